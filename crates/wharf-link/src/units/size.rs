use std::fmt;
use std::str::FromStr;

use super::{UnitError, decimal};

/// A number of bytes: `1500B`, `64KiB`, `1MB`. `KiB` is 1,024 bytes and `kB` is 1,000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Size {
    /// So many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unit) = UNITS
            .into_iter()
            .find(|&(_, unit)| self.0 >= unit && self.0.is_multiple_of(unit))
            .unwrap_or(("B", 1));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = |problem: &str| UnitError::new("size", text, problem);
        let (number, suffix) = decimal::split(text.trim());
        let unit = UNITS
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(suffix))
            .map(|(_, unit)| unit);
        let Some(unit) = unit else {
            return Err(error(if suffix.is_empty() {
                "it has no unit; write `1500B`, `64KiB` or `1MB`"
            } else {
                "its unit must be one of B, kB, MB, GB, KiB, MiB, GiB"
            }));
        };
        decimal::times(number, unit).map(Self).map_err(error)
    }
}

super::serde_as_text!(Size);
