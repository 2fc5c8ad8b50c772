//! The title of a page.

use crate::speech;

/// The `<title>` of `page`: in one line, entities decoded, control characters removed, at most 200
/// characters. `None` without one, or with an empty one.
pub(super) fn find(page: &str) -> Option<String> {
    // ASCII lower case leaves every index as it is.
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let begin = start + lower[start..].find('>')? + 1;
    let end = lower[begin..]
        .find("</title")
        .map_or(page.len(), |length| begin + length);
    let title = speech::plain(&html_escape::decode_html_entities(&page[begin..end]));
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(page: &str, title: Option<&str>) {
        assert_eq!(find(page).as_deref(), title, "{page:?}");
    }

    #[test]
    fn a_title_is_one_clean_line() {
        check("<title>Shop</title>", Some("Shop"));
        check(
            "<HTML><TITLE data-x='y'>\n  A &amp;\tB &#x2014; &lt;C&gt;\n</TITLE>",
            Some("A & B \u{2014} <C>"),
        );
        check("<title>\u{1b}[31mred\u{202e}der</title>", Some("[31mredder"));
        check("<title>cut", Some("cut"));
        check("<title></title>", None);
        // References to control characters stay as they are written.
        check("<title> &#27;[1m &#0; </title>", Some("&#27;[1m &#0;"));
        check("<title", None);
        check("no page", None);
        check(
            &format!("<title>{}</title>", "\u{e9}".repeat(500)),
            Some(&"\u{e9}".repeat(200)),
        );
    }

    proptest! {
        #[test]
        fn any_page_has_a_title_or_none(before in "\\PC{0,20}", inside in ".{0,300}") {
            let page = format!("{before}<Title>{inside}");
            if let Some(title) = find(&page) {
                prop_assert!(title.chars().count() <= 200 && !title.chars().any(char::is_control));
            }
        }
    }
}
