//! Models as text.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::model::{Model, Shape, Swing, models};
use crate::units::{Latency, Rate, UnitError};

/// Why a text is not a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No model has this name.
    #[error(
        "no model is named `{name}`; there are {}, `constant RATE`, `sawtooth LOW HIGH EVERY` and \
        `square LOW HIGH EVERY`",
        names()
    )]
    Unknown {
        /// The name.
        name: String,
    },
    /// The figures after the name are not those it takes.
    #[error("`{text}`: write {usage}")]
    Figures {
        /// The text.
        text: String,
        /// What to write.
        usage: &'static str,
    },
    /// A figure is not what it should be.
    #[error("`{text}`: {error}")]
    Unit {
        /// The text.
        text: String,
        /// What is wrong with it.
        error: UnitError,
    },
}

fn names() -> String {
    let names: Vec<_> = models()
        .iter()
        .map(|model| format!("`{}`", model.name()))
        .collect();
    names.join(", ")
}

impl FromStr for Model {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let unit = |error| ModelError::Unit {
            text: text.to_owned(),
            error,
        };
        let usage = |usage| ModelError::Figures {
            text: text.to_owned(),
            usage,
        };
        let shape = match *words.as_slice() {
            ["constant", rate] => Shape::Constant(rate.parse().map_err(unit)?),
            ["sawtooth", low, high, every] => Shape::Sawtooth(swing(low, high, every).map_err(unit)?),
            ["square", low, high, every] => Shape::Square(swing(low, high, every).map_err(unit)?),
            ["constant", ..] => return Err(usage("`constant 12mbit`")),
            ["sawtooth", ..] => return Err(usage("`sawtooth 1mbit 10mbit 20s`")),
            ["square", ..] => return Err(usage("`square 1mbit 10mbit 20s`")),
            _ => {
                let name = text.trim();
                return Self::named(name).cloned().ok_or_else(|| ModelError::Unknown {
                    name: name.to_owned(),
                });
            }
        };
        Ok(Self {
            name: Cow::Owned(words.join(" ")),
            summary: match shape {
                Shape::Constant(_) => "the same rate for ever",
                Shape::Sawtooth(_) => "rising from low to high, and down at once",
                _ => "low for one half of the time, high for the other",
            },
            source: "as given",
            shape,
        })
    }
}

fn swing(low: &str, high: &str, every: &str) -> Result<Swing, UnitError> {
    let (low, high): (Rate, Rate) = (low.parse()?, high.parse()?);
    let every: Latency = every.parse()?;
    let error = |what, text, problem: &str| Err(UnitError::new(what, text, problem));
    if every.duration() < Duration::from_millis(200) {
        return error(
            "period",
            &every.to_string(),
            "the rate changes every 100ms at most; write 200ms or more",
        );
    }
    if low > high {
        return error(
            "low rate",
            &low.to_string(),
            "it is above the high one; swap them",
        );
    }
    let every = every.duration();
    Ok(Swing { low, high, every })
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
