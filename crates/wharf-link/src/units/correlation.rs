use std::fmt;
use std::str::FromStr;

use super::{Probability, UnitError};

/// How like its neighbour something is, from `0%` (not at all) to just under 100%: `25%`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Correlation(Probability);

impl Correlation {
    /// Not at all.
    pub const NONE: Self = Self(Probability::NEVER);

    /// `None` for one, since nothing would ever change.
    #[must_use]
    pub fn new(part: Probability) -> Option<Self> {
        (part < Probability::ALWAYS).then_some(Self(part))
    }

    /// As a number: at least 0, and below 1.
    #[must_use]
    pub fn coefficient(self) -> f64 {
        self.0.fraction()
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Correlation {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = |problem: &str| UnitError::new("correlation", text, problem);
        let part = text
            .parse()
            .map_err(|_| error("write it in percent, such as `25%`"))?;
        Self::new(part).ok_or_else(|| error("it is below 100%"))
    }
}
