//! Measured distributions, in the format of iproute2's `.dist` files.

use std::sync::Arc;

use crate::units::UnitError;

/// A measured distribution: numbers in units of the spread, each as likely as the other.
///
/// The text is that of iproute2's `/usr/lib/tc/*.dist`: whole numbers from −32768 to 32767, of
/// which 8192 are one spread; `#` begins a comment. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    name: Arc<str>,
    /// In rising order, so that neighbours in probability are neighbours in delay. Not empty.
    values: Arc<[i16]>,
}

/// The most numbers, as in the kernel (`NETEM_DIST_MAX`).
const LONGEST: usize = 16384;

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// There is no number in it, too many, or something else than a number.
    pub fn parse(name: &str, text: &str) -> Result<Self, UnitError> {
        let error = |problem: String| UnitError::new("table of delays", name, problem);
        let mut values = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split('#').next().unwrap_or_default();
            for word in text.split_whitespace() {
                let value: i16 = word.parse().map_err(|_| {
                    let word: String = word.chars().take(32).collect();
                    error(format!(
                        "line {line}: `{word}` is no whole number from -32768 to 32767"
                    ))
                })?;
                values.push(value);
            }
            if values.len() > LONGEST {
                return Err(error(format!("it has more than {LONGEST} numbers")));
            }
        }
        if values.is_empty() {
            return Err(error("it has no number".to_owned()));
        }
        values.sort_unstable();
        Ok(Self {
            name: name.into(),
            values: values.into(),
        })
    }

    /// What stands for a table whose file has not been read.
    pub(super) fn unread(name: &str) -> Self {
        Self {
            name: name.into(),
            values: Arc::new([0]),
        }
    }

    /// The name that it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its numbers, in rising order.
    #[must_use]
    pub fn values(&self) -> &[i16] {
        &self.values
    }
}
