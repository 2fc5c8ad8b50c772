//! Reading clauses: words, each perhaps followed by its value, as in `20ms normal correlation 25%`.

use std::fmt;
use std::str::FromStr;

use crate::units::UnitError;

/// The words of a text, one after another. A word in double quotes may have spaces in it.
pub(crate) struct Words<'a> {
    what: &'static str,
    text: &'a str,
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(crate) fn new(what: &'static str, text: &'a str) -> Self {
        let rest = text.trim();
        Self { what, text, rest }
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> UnitError {
        UnitError::new(self.what, self.text.trim(), problem)
    }

    /// The next word, if there is one.
    pub(crate) fn next(&mut self) -> Option<&'a str> {
        let (word, rest) = match self.rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None if self.rest.is_empty() => return None,
            None => self
                .rest
                .split_once(char::is_whitespace)
                .unwrap_or((self.rest, "")),
        };
        self.rest = rest.trim_start();
        Some(word)
    }

    /// The next word, if it begins with a digit: a value without a name.
    pub(crate) fn number<T: FromStr<Err = UnitError>>(&mut self) -> Option<Result<T, UnitError>> {
        let begins = self.rest.starts_with(|c: char| c.is_ascii_digit());
        begins.then(|| self.next().unwrap_or_default().parse())
    }

    /// The next word, which must be there. `wanted` says what.
    pub(crate) fn text(&mut self, wanted: &str) -> Result<&'a str, UnitError> {
        self.next()
            .filter(|word| !word.is_empty())
            .ok_or_else(|| self.error(format!("{wanted} is missing")))
    }

    /// The next word as a value.
    pub(crate) fn value<T: FromStr<Err = UnitError>>(&mut self, wanted: &str) -> Result<T, UnitError> {
        self.text(wanted)?.parse()
    }

    /// The next word as a whole number above zero.
    pub(crate) fn count(&mut self, wanted: &str) -> Result<std::num::NonZeroU32, UnitError> {
        let word = self.text(wanted)?;
        word.parse()
            .map_err(|_| self.error(format!("`{word}` is no whole number above zero")))
    }

    /// A word that has no place here. `usage` says what has.
    pub(crate) fn stray(&self, word: &str, usage: &str) -> UnitError {
        self.error(format!("`{word}` has no place in it; write {usage}"))
    }

    /// Nothing may follow.
    pub(crate) fn end(mut self, usage: &str) -> Result<(), UnitError> {
        match self.next() {
            None => Ok(()),
            Some(word) => Err(self.stray(word, usage)),
        }
    }
}

/// A file's name as a word.
pub(crate) struct FileWord<'a>(pub(crate) &'a str);

impl fmt::Display for FileWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.contains(char::is_whitespace) {
            true => write!(f, "\"{}\"", self.0),
            false => f.write_str(self.0),
        }
    }
}
