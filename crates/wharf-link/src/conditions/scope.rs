//! Whose a condition is.

use std::fmt;
use std::str::FromStr;

use crate::units::UnitError;

/// Who shares the rate and its queue. As text: `link` or `connection`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All connections of the link together: one pipe.
    #[default]
    Link,
    /// Nobody: each connection has a rate and a queue of its own, as in Toxiproxy.
    Connection,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Link => "link",
            Self::Connection => "connection",
        })
    }
}

impl FromStr for Scope {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text.trim() {
            "link" => Ok(Self::Link),
            "connection" => Ok(Self::Connection),
            other => Err(UnitError::new("scope", other, "it is `link` or `connection`")),
        }
    }
}
