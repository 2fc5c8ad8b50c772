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
