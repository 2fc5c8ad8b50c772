use std::fmt;
use std::str::FromStr;

use super::{UnitError, decimal};

/// A probability from `0%` to `100%`, kept in parts per billion: `0.5%`, `0.01%`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability(u32);

const ONE: u32 = 1_000_000_000;
const PERCENT: u64 = 10_000_000;

impl Probability {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(ONE);

    /// So many percent; above 100: 100.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        match percent {
            0..=99 => Self(percent as u32 * 10_000_000),
            _ => Self::ALWAYS,
        }
    }

    /// So many parts of a billion, or `None` above one.
    #[must_use]
    pub const fn from_parts_per_billion(parts: u32) -> Option<Self> {
        if parts <= ONE { Some(Self(parts)) } else { None }
    }

    /// Parts of a billion.
    #[must_use]
    pub const fn parts_per_billion(self) -> u32 {
        self.0
    }

    /// As a number from 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(ONE)
    }

    /// What is missing to certainty.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(ONE - self.0)
    }

    /// The sum, or `None` above certainty.
    #[must_use]
    pub const fn plus(self, other: Self) -> Option<Self> {
        Self::from_parts_per_billion(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, u64::from(self.0), PERCENT)?;
        f.write_str("%")
    }
}

impl FromStr for Probability {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = |problem: &str| UnitError::new("probability", text, problem);
        let (number, suffix) = decimal::split(text.trim());
        if suffix != "%" {
            return Err(error("write it in percent, such as `0.5%`"));
        }
        let parts = decimal::times(number, PERCENT).map_err(error)?;
        u32::try_from(parts)
            .ok()
            .and_then(Self::from_parts_per_billion)
            .ok_or_else(|| error("it is above 100%"))
    }
}

super::serde_as_text!(Probability);
