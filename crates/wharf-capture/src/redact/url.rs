//! Secrets in request targets, and in what else has the form of a URL.

use std::fmt::Write;

use super::{REDACTED, is_secret};

/// A target without the values of parameters that are named like secrets, and without a password
/// before its host.
pub(crate) fn redact(target: &str) -> String {
    let mut out = String::with_capacity(target.len());
    let rest = user_info(target, &mut out);
    let Some((path, query)) = rest.split_once('?') else {
        out.push_str(rest);
        return out;
    };
    let (query, fragment) = query
        .split_once('#')
        .map_or((query, None), |(query, rest)| (query, Some(rest)));
    out.push_str(path);
    out.push('?');
    let mut separator = "";
    for pair in query.split_inclusive(['&', ';']) {
        let (pair, end) = match pair.strip_suffix(['&', ';']) {
            Some(stem) => (stem, &pair[stem.len()..]),
            None => (pair, ""),
        };
        out.push_str(separator);
        match pair.split_once('=') {
            Some((name, _)) if is_secret(&decoded(name)) => {
                let _ = write!(out, "{name}={REDACTED}");
            }
            _ => out.push_str(pair),
        }
        separator = end;
    }
    out.push_str(separator);
    if let Some(fragment) = fragment {
        // An implicit grant of OAuth puts its token there.
        out.push('#');
        out.push_str(if fragment.contains('=') {
            REDACTED
        } else {
            fragment
        });
    }
    out
}

/// Writes what stands before the host, without the user and the password. What follows is left.
fn user_info<'a>(target: &'a str, out: &mut String) -> &'a str {
    let Some((scheme, rest)) = target.split_once("://") else {
        return target;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return target;
    };
    let _ = write!(out, "{scheme}://{REDACTED}");
    rest.get(user.len()..).unwrap_or_default()
}

/// A name without percent-encoding, since `%74oken` is a token too.
fn decoded(name: &str) -> Vec<u8> {
    let mut bytes = name.bytes();
    let mut out = Vec::with_capacity(name.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = [ahead.next(), ahead.next()].map(|digit| digit.and_then(|d| char::from(d).to_digit(16)));
        match (byte, digits) {
            (b'%', [Some(high), Some(low)]) => {
                out.push((high << 4 | low) as u8);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn targets() {
        let cases = [
            ("/", "/"),
            ("/orders?page=2&q=a=b", "/orders?page=2&q=a=b"),
            ("/in?token=t0p&next=/x", "/in?token=[redacted]&next=/x"),
            ("/in?a=1;api_key=k;b=2", "/in?a=1;api_key=[redacted];b=2"),
            ("/in?%74oken=t0p", "/in?%74oken=[redacted]"),
            ("/in?token", "/in?token"),
            ("/in?token=", "/in?token=[redacted]"),
            ("/in?&&", "/in?&&"),
            ("/in?%", "/in?%"),
            (
                "http://u:p@host/x?key=1",
                "http://[redacted]@host/x?key=[redacted]",
            ),
            ("http://host/x@y", "http://host/x@y"),
            ("/cb?state=1#access_token=abc", "/cb?state=1#[redacted]"),
        ];
        for (target, redacted) in cases {
            assert_eq!(redact(target), redacted);
        }
    }
}
