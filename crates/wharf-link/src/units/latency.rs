use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{UnitError, decimal};

/// A time on the way, always one way: `50ms`, `1.5s`, `200us`. At most a day, so that sums of
/// times never overflow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Latency(Duration);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const UNITS: [(&str, u64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

impl Latency {
    /// No latency.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The latency of this many milliseconds; above a day: a day.
    #[must_use]
    pub const fn millis(millis: u32) -> Self {
        Self::micros_wide(millis as u64 * 1_000)
    }

    /// The latency of this many microseconds; above a day: a day.
    #[must_use]
    pub const fn micros(micros: u32) -> Self {
        Self::micros_wide(micros as u64)
    }

    const fn micros_wide(micros: u64) -> Self {
        if micros > DAY.as_secs() * 1_000_000 {
            Self(DAY)
        } else {
            Self(Duration::from_micros(micros))
        }
    }

    /// `None` above a day.
    #[must_use]
    pub fn new(duration: Duration) -> Option<Self> {
        (duration <= DAY).then_some(Self(duration))
    }

    /// A day, where the duration is longer.
    #[must_use]
    pub fn at_most(duration: Duration) -> Self {
        Self(duration.min(DAY))
    }

    /// As a standard duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whether it is no latency at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Latency> for Duration {
    fn from(latency: Latency) -> Self {
        latency.0
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At most a day of nanoseconds, which a u64 holds.
        let nanos = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        let (name, unit) = UNITS
            .into_iter()
            .find(|&(_, unit)| nanos >= unit)
            .unwrap_or(("ms", 1_000_000));
        decimal::write(f, nanos, unit)?;
        f.write_str(name)
    }
}

impl FromStr for Latency {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = |problem: &str| UnitError::new("time", text, problem);
        let (number, suffix) = decimal::split(text.trim());
        let unit = match suffix {
            "" if number == "0" => 1,
            "" => {
                let hint = format!("it has no unit; write `{number}ms` or `{number}s`");
                return Err(error(&hint));
            }
            // U+00B5, which keyboards have, and U+03BC, which looks the same.
            "µs" | "μs" => 1_000,
            _ => UNITS
                .into_iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(suffix))
                .map(|(_, unit)| unit)
                .ok_or_else(|| error("its unit must be one of ns, us, ms, s"))?,
        };
        let nanos = decimal::times(number, unit).map_err(error)?;
        Self::new(Duration::from_nanos(nanos)).ok_or_else(|| error("it is more than a day"))
    }
}

super::serde_as_text!(Latency);
