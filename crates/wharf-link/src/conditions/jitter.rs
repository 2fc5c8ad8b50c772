//! How the latency varies from packet to packet.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::files::Files;
use super::table::Table;
use super::words::{FileWord, Words};
use crate::units::{Correlation, Latency, UnitError};

/// How the latency varies. As text: `20ms` (uniform), `20ms normal`, `20ms pareto correlation 25%
/// order free`, `5ms table FILE`.
///
/// The mean of every shape is zero: jitter widens the latency and does not move it. (But a delay
/// below zero is none: where the spread is wider than the latency, the part of the distribution
/// below zero arrives at once, and the mean is higher.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jitter {
    /// How far: half the width of the uniform distribution, the standard deviation of the others,
    /// the unit of a table.
    pub spread: Duration,
    /// In which shape.
    pub distribution: Distribution,
    /// How like its neighbour's a packet's delay is.
    pub correlation: Correlation,
    /// Whether packets may overtake each other.
    pub order: Order,
}

/// The shape of the jitter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distribution {
    /// Any delay within latency ± spread, each as likely as the other.
    #[default]
    Uniform,
    /// Normal, with the spread as its standard deviation.
    Normal,
    /// Pareto with shape 3, as netem's table has it: most packets are a little early and a few are
    /// very late. Shifted and scaled so that its mean is zero and its standard deviation the spread.
    /// (netem's table is cut off at four spreads, and its standard deviation is 1.15 of them.)
    Pareto,
    /// A quarter normal and three quarters Pareto, quantile by quantile, as netem's table has it;
    /// scaled as [`Distribution::Pareto`] is.
    ParetoNormal,
    /// Measured: each of the table's numbers as likely as the other, times the spread.
    Table(Table),
}

/// Whether a packet with a shorter delay overtakes one with a longer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// It arrives with the one before it, as on a path that is one queue after another.
    #[default]
    Kept,
    /// It overtakes, as over several paths at once (and as under netem).
    Free,
}

impl Jitter {
    /// Uniform in latency ± `spread`.
    #[must_use]
    pub const fn uniform(spread: Duration) -> Self {
        Self::of(spread, Distribution::Uniform)
    }

    /// Normal about the latency, with standard deviation `spread`.
    #[must_use]
    pub const fn normal(spread: Duration) -> Self {
        Self::of(spread, Distribution::Normal)
    }

    /// Of this shape, without correlation, with order kept.
    #[must_use]
    pub const fn of(spread: Duration, distribution: Distribution) -> Self {
        Self {
            spread,
            distribution,
            correlation: Correlation::NONE,
            order: Order::Kept,
        }
    }

    pub(crate) fn read(text: &str, files: &mut Files<'_>) -> Result<Self, UnitError> {
        const USAGE: &str = "`20ms`, then perhaps one of `uniform`, `normal`, `pareto`, \
             `pareto-normal`, `table FILE`, then `correlation 25%`, `order free`";
        let mut words = Words::new("jitter", text);
        let spread: Latency = words.value("how far it varies, such as `20ms`,")?;
        let mut jitter = Self::uniform(spread.duration());
        while let Some(word) = words.next() {
            match word {
                "uniform" => jitter.distribution = Distribution::Uniform,
                "normal" => jitter.distribution = Distribution::Normal,
                "pareto" => jitter.distribution = Distribution::Pareto,
                "pareto-normal" => jitter.distribution = Distribution::ParetoNormal,
                "table" => {
                    let table = files.table(words.text("the table's file")?)?;
                    jitter.distribution = Distribution::Table(table);
                }
                "correlation" => jitter.correlation = words.value("the correlation, such as `25%`,")?,
                "order" => {
                    jitter.order = match words.text("`kept` or `free`")? {
                        "kept" => Order::Kept,
                        "free" => Order::Free,
                        other => return Err(words.error(format!("order is `kept` or `free`, not `{other}`"))),
                    }
                }
                _ => return Err(words.stray(word, USAGE)),
            }
        }
        Ok(jitter)
    }
}

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Latency::at_most(self.spread).fmt(f)?;
        match &self.distribution {
            Distribution::Uniform => {}
            Distribution::Normal => f.write_str(" normal")?,
            Distribution::Pareto => f.write_str(" pareto")?,
            Distribution::ParetoNormal => f.write_str(" pareto-normal")?,
            Distribution::Table(table) => write!(f, " table {}", FileWord(table.name()))?,
        }
        if self.correlation != Correlation::NONE {
            write!(f, " correlation {}", self.correlation)?;
        }
        match self.order {
            Order::Kept => Ok(()),
            Order::Free => f.write_str(" order free"),
        }
    }
}

/// Reads all but a table, whose file has to be read first: [`Settings`](super::Settings) does that.
impl FromStr for Jitter {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        Self::read(text, &mut Files::NoneHere)
    }
}
