//! A range of ports.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ports from a first to a last, both within. Never empty, never with port 0.
///
/// Written `20000-22047`, or `8080` for a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The range from `first` to `last`.
    ///
    /// # Errors
    /// When `first` is 0 or greater than `last`.
    pub fn new(first: u16, last: u16) -> Result<Self, InvalidRange> {
        if first == 0 {
            return Err(InvalidRange::Zero);
        }
        if first > last {
            return Err(InvalidRange::Backwards { first, last });
        }
        Ok(Self { first, last })
    }

    /// The least port.
    #[must_use]
    pub fn first(self) -> u16 {
        self.first
    }

    /// The greatest port.
    #[must_use]
    pub fn last(self) -> u16 {
        self.last
    }

    /// How many ports there are: at least one.
    #[must_use]
    pub fn count(self) -> u32 {
        u32::from(self.last - self.first) + 1
    }

    /// Whether `port` is one of them.
    #[must_use]
    pub fn contains(self, port: u16) -> bool {
        self.ports().contains(&port)
    }

    /// The ports, from the least up.
    #[must_use]
    pub fn ports(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return self.first.fmt(f);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for PortRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let port = |part: &str| {
            let part = part.trim();
            // u16's own parser takes a sign; a port has none.
            if part.starts_with('+') {
                return Err(InvalidRange::NotPorts(text.to_owned()));
            }
            part.parse().map_err(|_| InvalidRange::NotPorts(text.to_owned()))
        };
        match text.split_once('-') {
            Some((first, last)) => Self::new(port(first)?, port(last)?),
            None => port(text).and_then(|only| Self::new(only, only)),
        }
    }
}

impl From<PortRange> for String {
    fn from(range: PortRange) -> Self {
        range.to_string()
    }
}

impl TryFrom<String> for PortRange {
    type Error = InvalidRange;

    fn try_from(text: String) -> Result<Self, InvalidRange> {
        text.parse()
    }
}

/// Why a range of ports is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRange {
    /// Port 0 is no port.
    #[error("a range of ports starts at 1 or above, not at 0")]
    Zero,
    /// The first is greater than the last.
    #[error("a range of ports goes upwards: {first}-{last} does not")]
    Backwards {
        /// The first port.
        first: u16,
        /// The last port.
        last: u16,
    },
    /// The text is not one or two numbers.
    #[error("`{0}` is not a range of ports such as 20000-22047")]
    NotPorts(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_back_as_written() {
        for text in ["20000-32767", "8080", "1-65535"] {
            let range: PortRange = text.parse().expect("a range");
            assert_eq!(range.to_string(), text);
        }
        let range: PortRange = " 20 - 30 ".parse().expect("a range");
        assert_eq!((range.first(), range.last(), range.count()), (20, 30, 11));
        assert!(range.contains(20) && range.contains(30) && !range.contains(31));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "", "-", "a-b", "1-", "-1", "+1", "1-2-3", "0", "0-5", "5-4", "65536",
        ] {
            assert!(text.parse::<PortRange>().is_err(), "{text}");
        }
    }
}
