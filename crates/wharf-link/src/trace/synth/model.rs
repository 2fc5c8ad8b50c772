//! What a model is.

use std::borrow::Cow;
use std::time::Duration;

use super::process::{Slot, Slots};
use super::table::TABLE;
use crate::random::Seed;
use crate::units::Rate;

/// A kind of network, one direction of it, as figures. As text: the name of one of [`models`], or
/// `constant RATE`, `sawtooth LOW HIGH EVERY`, `square LOW HIGH EVERY`, such as
/// `sawtooth 1mbit 10mbit 20s`.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub(super) name: Cow<'static, str>,
    pub(super) summary: &'static str,
    pub(super) source: &'static str,
    pub(super) shape: Shape,
}

/// How the rate of a model goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    Constant(Rate),
    /// From low to high in even steps, and down at once.
    Sawtooth(Swing),
    /// Low for one half of the time, and high for the other.
    Square(Swing),
    Chance(Chance),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Swing {
    pub(super) low: Rate,
    pub(super) high: Rate,
    pub(super) every: Duration,
}

/// A rate that is left to chance. Rates are in bits a second, times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Chance {
    pub(super) usual: Level,
    pub(super) blocked: Option<Blocked>,
    pub(super) memory: f64,
    pub(super) ceiling: f64,
    pub(super) outage: Option<Outage>,
    pub(super) reconfigured: Option<Reconfigured>,
}

/// A log-normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub(super) median: f64,
    /// The standard deviation of the rate's natural logarithm.
    pub(super) spread: f64,
}

/// Another level, into which the process falls and out of which it comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Blocked {
    pub(super) level: Level,
    /// How long the usual level lasts, in the mean.
    pub(super) after: f64,
    /// How long this one lasts, in the mean.
    pub(super) lasts: f64,
}

/// Nothing passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outage {
    /// How long it is well between two of them, in the mean.
    pub(super) after: f64,
    /// How long one lasts, in the mean.
    pub(super) lasts: f64,
}

/// Every so often the level is drawn anew, after a gap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reconfigured {
    pub(super) every: f64,
    /// The standard deviation of the logarithm of the levels, beside that of the fade.
    pub(super) spread: f64,
    /// How long the gap is, in the mean.
    pub(super) gap: f64,
}

impl Model {
    /// The model of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLE.iter().find(|model| model.name == name)
    }

    /// Its name, or for the shapes that have figures, their text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in a line.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.summary
    }

    /// Where its figures are from, and which of them are assumed.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source
    }

    /// The mean rate of each [`SLOT`](super::SLOT), in bits a second, without end.
    pub fn rates(&self, seed: Seed) -> impl Iterator<Item = f64> + use<> {
        self.slots(seed).map(|slot| slot.mean())
    }

    pub(super) fn slots(&self, seed: Seed) -> impl Iterator<Item = Slot> + use<> {
        Slots::new(self.shape, seed.derive("trace").derive(&self.name))
    }
}

/// All models that have a name, kin beside kin.
#[must_use]
pub fn models() -> &'static [Model] {
    TABLE
}
