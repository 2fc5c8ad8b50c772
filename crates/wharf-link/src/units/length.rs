use std::fmt;
use std::str::FromStr;

use super::{UnitError, decimal};

/// A mean length in packets: `3`, `2.5`. At least 1, and at most a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(u64);

const MICRO: u64 = 1_000_000;

impl Length {
    /// In packets.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0 as f64 / MICRO as f64
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, self.0, MICRO)
    }
}

impl FromStr for Length {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = |problem: &str| UnitError::new("length", text, problem);
        let micros = decimal::times(text.trim(), MICRO).map_err(error)?;
        match micros {
            MICRO..=1_000_000_000_000 => Ok(Self(micros)),
            _ => Err(error("it is from 1 to 1000000 packets")),
        }
    }
}
