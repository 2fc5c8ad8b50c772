//! Times at which nothing passes.

use std::fmt;
use std::str::FromStr;

use super::words::Words;
use crate::units::{Latency, UnitError};

/// A link that is on and off by turns, beginning on. As text: `on 28s off 2s`, or `on 5s off 1s
/// random`, where each turn's length is exponential with that mean (as Mahimahi's `mm-onoff`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    on: Latency,
    off: Latency,
    turns: Turns,
}

/// How long each turn of an [`Outage`] is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Turns {
    /// As long as was said.
    #[default]
    Periodic,
    /// Exponential, with what was said as its mean.
    Random,
}

/// The shortest turn.
const SHORTEST: Latency = Latency::millis(1);

impl Outage {
    /// `None` where a turn is under a millisecond.
    #[must_use]
    pub fn new(on: Latency, off: Latency, turns: Turns) -> Option<Self> {
        (on >= SHORTEST && off >= SHORTEST).then_some(Self { on, off, turns })
    }

    /// How long the link is on.
    #[must_use]
    pub fn on(self) -> Latency {
        self.on
    }

    /// How long it is off.
    #[must_use]
    pub fn off(self) -> Latency {
        self.off
    }

    /// Whether that is exact or a mean.
    #[must_use]
    pub fn turns(self) -> Turns {
        self.turns
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on {} off {}", self.on, self.off)?;
        match self.turns {
            Turns::Periodic => Ok(()),
            Turns::Random => f.write_str(" random"),
        }
    }
}

impl FromStr for Outage {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const USAGE: &str = "`on 28s off 2s` or `on 5s off 1s random`";
        let mut words = Words::new("outage", text);
        let (mut on, mut off, mut turns) = (None, None, Turns::Periodic);
        while let Some(word) = words.next() {
            match word {
                "on" => on = Some(words.value("for how long it is on")?),
                "off" => off = Some(words.value("for how long it is off")?),
                "random" => turns = Turns::Random,
                _ => return Err(words.stray(word, USAGE)),
            }
        }
        let (Some(on), Some(off)) = (on, off) else {
            return Err(words.error(format!("write {USAGE}")));
        };
        Self::new(on, off, turns).ok_or_else(|| words.error("each turn is at least 1ms"))
    }
}
