//! The proxies that an environment names.

use wharf_facts::Proxies;

use crate::redact;

/// The proxies among `variables`: names and values of an environment.
///
/// Both spellings are in use. Where both are set most programs take the lower-case one (curl,
/// Python, Go alike), and so does this.
pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Proxies {
    let mut proxies = Proxies::default();
    let mut lower = Proxies::default();
    for (name, value) in variables {
        let is_lower = name.bytes().all(|byte| !byte.is_ascii_uppercase());
        let target = if is_lower { &mut lower } else { &mut proxies };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "http_proxy" => target.http = Some(redact::password(value)),
            "https_proxy" => target.https = Some(redact::password(value)),
            "all_proxy" => target.all = Some(redact::password(value)),
            "no_proxy" => target.exceptions = value.split(',').map(|entry| entry.trim().to_owned()).collect(),
            _ => continue,
        }
        proxies.variables.push(name.to_owned());
    }
    for entries in [&mut proxies.exceptions, &mut lower.exceptions] {
        entries.retain(|entry| !entry.is_empty());
    }
    let set = |value: Option<String>| value.filter(|value| !value.is_empty());
    proxies.http = set(lower.http.or(proxies.http));
    proxies.https = set(lower.https.or(proxies.https));
    proxies.all = set(lower.all.or(proxies.all));
    if !lower.exceptions.is_empty() {
        proxies.exceptions = lower.exceptions;
    }
    proxies.variables.sort();
    proxies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_count_and_the_lower_one_wins() {
        let proxies = of([
            ("HTTP_PROXY", "http://a:3128"),
            ("http_proxy", "http://u:secret@b:3128/x"),
            ("NO_PROXY", "localhost, 127.0.0.1,,"),
            ("https_proxy", ""),
            ("PATH", "/bin"),
        ]);
        assert_eq!(proxies.http.as_deref(), Some("http://u:***@b:3128/x"));
        assert_eq!(proxies.https, None);
        assert_eq!(proxies.exceptions, ["localhost", "127.0.0.1"]);
        assert_eq!(
            proxies.variables,
            ["HTTP_PROXY", "NO_PROXY", "http_proxy", "https_proxy"]
        );
    }
}
