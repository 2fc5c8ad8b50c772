//! Patterns for paths and for values of headers.

use std::fmt;
use std::str::FromStr;

/// The longest pattern: matching takes at most pattern times text steps.
const LONGEST: usize = 256;

/// The longest text: a longer one is matched by `**` alone.
const LONGEST_TEXT: usize = 8192;

/// A pattern over a whole path: `?` is one character and `*` any number of them, `/` excepted; `**` is any
/// number of any characters. `/users/*/orders` matches `/users/7/orders`, `/api/**` all below `/api/`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PathGlob(String);

/// A pattern over a whole value: `?` is one character and `*` any number of them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ValueGlob(String);

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    /// A path begins with `/`, so that no other pattern would ever match.
    #[error("path pattern `{0}`: begin it with `/` or `**`")]
    NotAPath(String),
    /// It is too long to be matched in bounded time.
    #[error("pattern of {0} bytes: at most {LONGEST} are matched")]
    TooLong(usize),
}

impl PathGlob {
    /// Whether it matches all of `path`, which is without its query.
    pub(crate) fn matches(&self, path: &str) -> bool {
        matches(self.0.as_bytes(), path.as_bytes(), Some(b'/'))
    }
}

impl ValueGlob {
    /// Whether it matches all of `value`.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        matches(self.0.as_bytes(), value, None)
    }
}

impl FromStr for PathGlob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        if !text.starts_with('/') && !text.starts_with("**") && text != "*" {
            return Err(GlobError::NotAPath(text.to_owned()));
        }
        bounded(text).map(Self)
    }
}

impl FromStr for ValueGlob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        bounded(text).map(Self)
    }
}

impl fmt::Debug for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Debug for ValueGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn bounded(text: &str) -> Result<String, GlobError> {
    if text.len() > LONGEST {
        return Err(GlobError::TooLong(text.len()));
    }
    Ok(text.to_owned())
}

/// Matches from the left, and remembers for each kind of star where to go on if it has to take more. A later
/// `**` makes all earlier choices final, and a later `*` those of an earlier `*`; so no pattern is exponential.
fn matches<'a>(mut pattern: &'a [u8], mut text: &'a [u8], wall: Option<u8>) -> bool {
    if text.len() > LONGEST_TEXT {
        return pattern == b"**";
    }
    // What follows the star, and the text that the star has not taken yet.
    let mut star = None;
    let mut deep = None;
    loop {
        if let Some(rest) = pattern.strip_prefix(b"**") {
            (pattern, deep, star) = (rest, Some((rest, text)), None);
            continue;
        }
        match (pattern.split_first(), text.split_first()) {
            (None, None) => return true,
            (Some((b'*', rest)), _) => (pattern, star) = (rest, Some((rest, text))),
            (Some((want, rest)), Some((have, left)))
                if want == have || (*want == b'?' && Some(*have) != wall) =>
            {
                (pattern, text) = (rest, left);
            }
            _ => {
                // No match here: a star takes one more, the nearer one first.
                star = star.and_then(|place| one_more(place, wall));
                if star.is_none() {
                    deep = deep.and_then(|place| one_more(place, None));
                }
                let Some(place) = star.or(deep) else {
                    return false;
                };
                (pattern, text) = place;
            }
        }
    }
}

/// What of a pattern is left, and what of a text.
type Place<'a> = (&'a [u8], &'a [u8]);

fn one_more<'a>((rest, text): Place<'a>, wall: Option<u8>) -> Option<Place<'a>> {
    let (&byte, left) = text.split_first()?;
    (Some(byte) != wall).then_some((rest, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let table = [
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/*", "/", true),
            ("/*", "/a", true),
            ("/*", "/a/b", false),
            ("/users/*/orders", "/users/7/orders", true),
            ("/users/*/orders", "/users/7/8/orders", false),
            ("/api/**", "/api/a/b", true),
            ("/api/**", "/api", false),
            ("/api**", "/api", true),
            ("**", "*", true),
            ("**.png", "/x/y.png", true),
            ("/**/b*/c", "/b/b/bb/c", true),
            ("/**/b*/c", "/b/b/bb/d", false),
            ("/a**z", "/abc/z/y", false),
            ("/v?/x", "/v1/x", true),
            ("/v?x", "/v/x", false),
            ("/*.js*", "/a.j.js", true),
        ];
        for (pattern, path, expected) in table {
            let glob: PathGlob = pattern.parse().expect(pattern);
            assert_eq!(glob.matches(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn values_have_no_walls() {
        let glob: ValueGlob = "Mozilla/*Linux*".parse().expect("a pattern");
        assert!(glob.matches(b"Mozilla/5.0 (X11; Linux x86_64) a/b"));
        assert!(!glob.matches(b"curl/8"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!(
            "api/*".parse::<PathGlob>(),
            Err(GlobError::NotAPath("api/*".into()))
        );
        assert_eq!("*".repeat(257).parse::<ValueGlob>(), Err(GlobError::TooLong(257)));
    }

    #[test]
    fn a_hard_pattern_ends() {
        let glob: ValueGlob = "*a".repeat(100).parse().expect("a pattern");
        assert!(!glob.matches("a".repeat(99).as_bytes()));
        assert!(!glob.matches(&[b'a', b'b'].repeat(4096)));
    }
}
