//! What happens to what waits for its turn.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::words::Words;
use crate::units::{Latency, Probability, Size, UnitError};

/// Which packet of a queue goes next, and which goes never. As text: `drop-tail`, `drop-head`,
/// `red [min S] [max S] [probability P] [ecn]`, `codel [target T] [interval T] [ecn]`,
/// `pie [target T] [update T] [ecn]`, `fq-codel [flows N] [target T] [interval T] [quantum S] [ecn]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discipline {
    /// First in, first out; a full queue drops what comes.
    #[default]
    DropTail,
    /// First in, first out; a full queue drops its first.
    DropHead,
    /// Random early detection (Floyd and Jacobson 1993).
    Red(Red),
    /// Controlled delay (RFC 8289).
    CoDel(CoDel),
    /// Proportional integral controller, enhanced (RFC 8033).
    Pie(Pie),
    /// A queue with CoDel for each flow (RFC 8290).
    FqCoDel(FqCoDel),
}

/// What is done to a packet that is to slow its sender down, if its sender understands ECN marks
/// (RFC 3168).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// Drop it, as any other.
    #[default]
    Drop,
    /// Mark it.
    Mark,
}

/// Parameters of random early detection. As is usual since tc-red(8), its weight follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Red {
    /// The mean queue from which on packets are dropped at random; none: a third of `max`.
    pub min: Option<Size>,
    /// The mean queue from which on all are dropped; none: a quarter of the limit.
    pub max: Option<Size>,
    /// The probability just below `max`: 10%, if not said (Floyd, "RED: discussions of setting
    /// parameters", 1997).
    pub probability: Probability,
    /// Drop or mark.
    pub ecn: Ecn,
}

impl Red {
    /// All as by default.
    pub const DEFAULT: Self = Self {
        min: None,
        max: None,
        probability: Probability::percent(10),
        ecn: Ecn::Drop,
    };
}

/// Parameters of controlled delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoDel {
    /// The standing delay that is acceptable: 5 ms (RFC 8289, 4.3).
    pub target: Latency,
    /// Over how long it must stand: 100 ms, about the longest usual round trip (4.2).
    pub interval: Latency,
    /// Drop or mark.
    pub ecn: Ecn,
}

impl CoDel {
    /// All as by default.
    pub const DEFAULT: Self = Self {
        target: Latency::millis(5),
        interval: Latency::millis(100),
        ecn: Ecn::Drop,
    };
}

/// Parameters of PIE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pie {
    /// The delay that is aimed at: 15 ms (RFC 8033, 4.2).
    pub target: Latency,
    /// How often the probability is updated: each 15 ms (4.2).
    pub update: Latency,
    /// Drop or mark.
    pub ecn: Ecn,
}

impl Pie {
    /// All as by default.
    pub const DEFAULT: Self = Self {
        target: Latency::millis(15),
        update: Latency::millis(15),
        ecn: Ecn::Drop,
    };
}

/// Parameters of FQ-CoDel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FqCoDel {
    /// Into how many queues flows are hashed: 1024 (RFC 8290, 5.2.1).
    pub flows: Flows,
    /// The standing delay of a queue that is acceptable: 5 ms (5.2.2).
    pub target: Latency,
    /// Over how long: 100 ms (5.2.3).
    pub interval: Latency,
    /// How many bytes a queue may send in its turn: 1514, an Ethernet frame (5.2.4).
    pub quantum: Size,
    /// Drop or mark.
    pub ecn: Ecn,
}

impl FqCoDel {
    /// All as by default.
    pub const DEFAULT: Self = Self {
        flows: Flows::DEFAULT,
        target: Latency::millis(5),
        interval: Latency::millis(100),
        quantum: Size::from_bytes(1514),
        ecn: Ecn::Drop,
    };
}

/// A number of queues: from 1 to 65536.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flows(NonZeroU32);

impl Flows {
    /// RFC 8290's 1024.
    pub const DEFAULT: Self = match NonZeroU32::new(1024) {
        Some(count) => Self(count),
        None => Self(NonZeroU32::MIN),
    };

    /// `None` above 65536.
    #[must_use]
    pub fn new(count: NonZeroU32) -> Option<Self> {
        (count.get() <= 1 << 16).then_some(Self(count))
    }

    /// How many.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

macro_rules! by_default {
    ($($type:ty),*) => {$(
        impl Default for $type {
            fn default() -> Self {
                Self::DEFAULT
            }
        }
    )*};
}
by_default!(Red, CoDel, Pie, FqCoDel, Flows);

impl FromStr for Discipline {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const USAGE: &str = "`drop-tail`, `drop-head`, `red [min S] [max S] [probability P] [ecn]`, \
             `codel [target T] [interval T] [ecn]`, `pie [target T] [update T] [ecn]` or \
             `fq-codel [flows N] [target T] [interval T] [quantum S] [ecn]`";
        let mut words = Words::new("queue discipline", text);
        let mut discipline = match words.text("its name")? {
            "drop-tail" => Self::DropTail,
            "drop-head" => Self::DropHead,
            "red" => Self::Red(Red::DEFAULT),
            "codel" => Self::CoDel(CoDel::DEFAULT),
            "pie" => Self::Pie(Pie::DEFAULT),
            "fq-codel" => Self::FqCoDel(FqCoDel::DEFAULT),
            word => return Err(words.stray(word, USAGE)),
        };
        while let Some(word) = words.next() {
            if !discipline.parameter(word, &mut words)? {
                return Err(words.stray(word, USAGE));
            }
        }
        discipline.check(&words)?;
        Ok(discipline)
    }
}

impl Discipline {
    /// Reads one parameter; false where there is none of this name.
    fn parameter(&mut self, word: &str, words: &mut Words<'_>) -> Result<bool, UnitError> {
        const SIZE: &str = "a size, such as `30KiB`,";
        const TIME: &str = "a time, such as `5ms`,";
        match (self, word) {
            (Self::Red(red), "min") => red.min = Some(words.value(SIZE)?),
            (Self::Red(red), "max") => red.max = Some(words.value(SIZE)?),
            (Self::Red(red), "probability") => red.probability = words.value("a probability")?,
            (Self::CoDel(codel), "target") => codel.target = words.value(TIME)?,
            (Self::CoDel(codel), "interval") => codel.interval = words.value(TIME)?,
            (Self::Pie(pie), "target") => pie.target = words.value(TIME)?,
            (Self::Pie(pie), "update") => pie.update = words.value(TIME)?,
            (Self::FqCoDel(fq), "target") => fq.target = words.value(TIME)?,
            (Self::FqCoDel(fq), "interval") => fq.interval = words.value(TIME)?,
            (Self::FqCoDel(fq), "quantum") => fq.quantum = words.value(SIZE)?,
            (Self::FqCoDel(fq), "flows") => {
                let count = words.count("the number of queues")?;
                fq.flows = Flows::new(count).ok_or_else(|| words.error("at most 65536 flows"))?;
            }
            (Self::Red(Red { ecn, .. }), "ecn")
            | (Self::CoDel(CoDel { ecn, .. }), "ecn")
            | (Self::Pie(Pie { ecn, .. }), "ecn")
            | (Self::FqCoDel(FqCoDel { ecn, .. }), "ecn") => *ecn = Ecn::Mark,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn check(&self, words: &Words<'_>) -> Result<(), UnitError> {
        let zero = |times: &[Latency]| times.iter().any(|time| time.is_zero());
        let problem = match *self {
            Self::Red(Red {
                min: Some(min),
                max: Some(max),
                ..
            }) if min >= max => "min is below max",
            Self::CoDel(CoDel { target, interval, .. }) if zero(&[target, interval]) => "no time is zero",
            Self::Pie(Pie { target, update, .. }) if zero(&[target, update]) => "no time is zero",
            Self::FqCoDel(FqCoDel { target, interval, .. }) if zero(&[target, interval]) => "no time is zero",
            Self::FqCoDel(FqCoDel { quantum, .. }) if quantum.bytes() == 0 => "a quantum is above zero",
            _ => return Ok(()),
        };
        Err(words.error(problem))
    }
}

impl fmt::Display for Discipline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ecn = |ecn: Ecn| match ecn {
            Ecn::Drop => "",
            Ecn::Mark => " ecn",
        };
        match self {
            Self::DropTail => f.write_str("drop-tail"),
            Self::DropHead => f.write_str("drop-head"),
            Self::Red(red) => {
                f.write_str("red")?;
                part(f, "min", red.min, None)?;
                part(f, "max", red.max, None)?;
                part(
                    f,
                    "probability",
                    Some(red.probability),
                    Some(&Red::DEFAULT.probability),
                )?;
                f.write_str(ecn(red.ecn))
            }
            Self::CoDel(codel) => {
                f.write_str("codel")?;
                part(f, "target", Some(codel.target), Some(&CoDel::DEFAULT.target))?;
                part(
                    f,
                    "interval",
                    Some(codel.interval),
                    Some(&CoDel::DEFAULT.interval),
                )?;
                f.write_str(ecn(codel.ecn))
            }
            Self::Pie(pie) => {
                f.write_str("pie")?;
                part(f, "target", Some(pie.target), Some(&Pie::DEFAULT.target))?;
                part(f, "update", Some(pie.update), Some(&Pie::DEFAULT.update))?;
                f.write_str(ecn(pie.ecn))
            }
            Self::FqCoDel(fq) => {
                f.write_str("fq-codel")?;
                part(f, "flows", Some(fq.flows.get()), Some(&Flows::DEFAULT.get()))?;
                part(f, "target", Some(fq.target), Some(&FqCoDel::DEFAULT.target))?;
                part(f, "interval", Some(fq.interval), Some(&FqCoDel::DEFAULT.interval))?;
                part(f, "quantum", Some(fq.quantum), Some(&FqCoDel::DEFAULT.quantum))?;
                f.write_str(ecn(fq.ecn))
            }
        }
    }
}

/// Writes a parameter that is not as by default.
fn part<T: fmt::Display + PartialEq>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    value: Option<T>,
    default: Option<&T>,
) -> fmt::Result {
    match value {
        Some(text) if default != Some(&text) => write!(f, " {name} {text}"),
        _ => Ok(()),
    }
}
