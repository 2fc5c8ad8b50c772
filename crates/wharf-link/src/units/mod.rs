//! Units: types that cannot hold a bad value, written as people write them.
//!
//! Each parses from text, prints the shortest text that parses back to the same value, and goes
//! through serde as that text. Arithmetic is in whole bits, bytes, nanoseconds and parts per
//! billion, so that nothing is lost on the way through a file.

mod correlation;
mod decimal;
mod latency;
mod length;
mod probability;
mod rate;
mod size;

pub use correlation::Correlation;
pub use latency::Latency;
pub use length::Length;
pub use probability::Probability;
pub use rate::Rate;
pub use size::Size;

/// Why a text is not a rate, a size, a time or a probability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {} {what}: {problem}", article(what))]
pub struct UnitError {
    what: &'static str,
    text: String,
    problem: String,
}

/// `a` or `an`.
fn article(noun: &str) -> &'static str {
    match noun.starts_with(['a', 'e', 'i', 'o', 'u']) || noun == "MTU" {
        true => "an",
        false => "a",
    }
}

impl UnitError {
    pub(crate) fn new(what: &'static str, text: &str, problem: impl Into<String>) -> Self {
        Self {
            what,
            text: text.to_owned(),
            problem: problem.into(),
        }
    }
}

/// Serde as text, through `FromStr` and `Display`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;
