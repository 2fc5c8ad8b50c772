//! What only streams (connections that a carrier ends on both sides) can have.

use std::fmt;
use std::str::FromStr;

use super::words::Words;
use crate::units::{Latency, Probability, Size, UnitError};

/// What the TCP of a link's ends is taken to be, where a carrier makes a delay of a stream's loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct StreamModel {
    /// The most that one connection has under way: the receiver's window. None: the carrier's own.
    pub window: Option<Size>,
    /// How senders answer loss.
    pub congestion: Congestion,
}

impl StreamModel {
    /// No window of its own, and CUBIC.
    pub const DEFAULT: Self = Self {
        window: None,
        congestion: Congestion::Cubic,
    };
}

/// Congestion control. As text: `reno`, `cubic`, `bbr`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Congestion {
    /// RFC 5681.
    Reno,
    /// RFC 9438: the default of Linux, macOS and Windows.
    #[default]
    Cubic,
    /// draft-ietf-ccwg-bbr: paced by a model of the path, and hardly slowed by loss.
    Bbr,
}

impl fmt::Display for Congestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reno => "reno",
            Self::Cubic => "cubic",
            Self::Bbr => "bbr",
        })
    }
}

impl FromStr for Congestion {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text.trim() {
            "reno" => Ok(Self::Reno),
            "cubic" => Ok(Self::Cubic),
            "bbr" => Ok(Self::Bbr),
            other => Err(UnitError::new(
                "congestion control",
                other,
                "it must be one of reno, cubic, bbr",
            )),
        }
    }
}

/// Something that is done to connections rather than to packets. As text: an [`Effect`], then
/// perhaps `for 10%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamFault {
    /// What is done.
    pub effect: Effect,
    /// The probability that a connection has it, drawn once for each (Toxiproxy's toxicity).
    pub probability: Probability,
}

/// What a [`StreamFault`] does to one direction of a connection. The meanings are Toxiproxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Hand the bytes over in small pieces: `slice 64B vary 16B delay 10us`.
    Slice {
        /// The mean size of a piece; never zero.
        size: SliceSize,
        /// How far sizes vary from it, both ways.
        vary: Size,
        /// The time from one piece to the next.
        delay: Latency,
    },
    /// Close the connection when so many bytes have passed: `limit 1MiB`.
    Limit(Size),
    /// Hold the close back for so long: `slow-close 2s`.
    SlowClose(Latency),
    /// Swallow all bytes, and close after so long; zero: never. `timeout 5s`.
    Timeout(Latency),
    /// Reset the connection so long after its first byte: `reset 2s`.
    Reset(Latency),
}

/// The size of a slice: at least one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SliceSize(Size);

impl SliceSize {
    /// `None` for zero.
    #[must_use]
    pub fn new(size: Size) -> Option<Self> {
        (size.bytes() > 0).then_some(Self(size))
    }

    /// The size.
    #[must_use]
    pub fn size(self) -> Size {
        self.0
    }
}

impl fmt::Display for StreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.effect {
            Effect::Slice { size, vary, delay } => {
                write!(f, "slice {}", size.0)?;
                if vary.bytes() > 0 {
                    write!(f, " vary {vary}")?;
                }
                if !delay.is_zero() {
                    write!(f, " delay {delay}")?;
                }
            }
            Effect::Limit(size) => write!(f, "limit {size}")?,
            Effect::SlowClose(delay) => write!(f, "slow-close {delay}")?,
            Effect::Timeout(delay) => write!(f, "timeout {delay}")?,
            Effect::Reset(delay) => write!(f, "reset {delay}")?,
        }
        match self.probability {
            Probability::ALWAYS => Ok(()),
            probability => write!(f, " for {probability}"),
        }
    }
}

impl FromStr for StreamFault {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const USAGE: &str = "`slice 64B [vary 16B] [delay 10us]`, `limit 1MiB`, `slow-close 2s`, \
             `timeout 5s` or `reset 2s`, then perhaps `for 10%`";
        let mut words = Words::new("fault", text);
        let mut effect = match words.text("what is done")? {
            "slice" => Effect::Slice {
                size: slice_size(&mut words)?,
                vary: Size::default(),
                delay: Latency::ZERO,
            },
            "limit" => Effect::Limit(words.value("after how many bytes, such as `1MiB`,")?),
            "slow-close" => Effect::SlowClose(words.value("how late, such as `2s`,")?),
            "timeout" => Effect::Timeout(words.value("after how long, such as `5s`,")?),
            "reset" => Effect::Reset(words.value("after how long, such as `2s`,")?),
            word => return Err(words.stray(word, USAGE)),
        };
        let mut probability = Probability::ALWAYS;
        while let Some(word) = words.next() {
            match (word, &mut effect) {
                ("for", _) => probability = words.value("for how many, such as `10%`,")?,
                ("vary", Effect::Slice { vary, .. }) => *vary = words.value("how far, such as `16B`,")?,
                ("delay", Effect::Slice { delay, .. }) => {
                    *delay = words.value("how long, such as `10us`,")?;
                }
                _ => return Err(words.stray(word, USAGE)),
            }
        }
        Ok(Self { effect, probability })
    }
}

fn slice_size(words: &mut Words<'_>) -> Result<SliceSize, UnitError> {
    let size = words.value("the size of a piece, such as `64B`,")?;
    SliceSize::new(size).ok_or_else(|| words.error("a piece has at least 1B"))
}
