//! How much may wait for its turn.

use std::fmt;
use std::str::FromStr;

use crate::units::{Size, UnitError};

/// How much may wait for its turn at the rate, what is being sent included. A queue that is empty
/// takes one packet of any size, so that no limit stops a link altogether. As text: `64KiB`, or
/// `100packets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueLimit {
    /// So many bytes.
    Bytes(Size),
    /// So many packets.
    Packets(u32),
}

impl fmt::Display for QueueLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(size) => size.fmt(f),
            Self::Packets(count) => write!(f, "{count}packets"),
        }
    }
}

impl FromStr for QueueLimit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let count = text
            .trim()
            .strip_suffix("packets")
            .or_else(|| text.trim().strip_suffix("packet"));
        match count {
            None => text.parse().map(Self::Bytes),
            Some(count) => count
                .trim()
                .parse()
                .map(Self::Packets)
                .map_err(|_| UnitError::new("queue limit", text, "write `64KiB` or `100packets`")),
        }
    }
}
