//! Traces: recorded or made-up rates that vary from millisecond to millisecond.
//!
//! A [`Trace`] says at which instants a link can send [`OPPORTUNITY`] bytes. That is the format of
//! Mahimahi (Netravali et al., USENIX ATC 2015), in which the traces of cellular networks are
//! published: a text file with one whole number of milliseconds a line. The last of them is also the
//! period after which the trace begins again.
//!
//! ```text
//!  2            at  2 ms   1500 bytes may leave
//!  7    ──▶     at  7 ms   twice that: 3000 bytes
//!  7            at 12 ms   1500 bytes: the trace begins again every 10 ms …
//!  10           at 10 ms   1500 bytes
//! ```
//!
//! An opportunity that nobody uses is lost; small packets share one, and a large packet uses several.
//! Who sends by a trace asks for [the first opportunity](Trace::first_from) from an instant on and
//! counts from there. Every question is answered by arithmetic on loops and a binary search within
//! one, so an idle hour costs nothing.
//!
//! A trace comes from a file that a carrier has read ([`Trace::parse`]), or from a documented model of
//! a kind of network ([`synth`]). [`plot`] draws one.

mod error;
mod loops;
mod mahimahi;
pub mod plot;
pub mod synth;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use error::{TraceError, TraceProblem};

use crate::units::{Rate, Size};
use loops::Loop;

/// What may leave at one opportunity: an Ethernet payload, as Mahimahi has it.
pub const OPPORTUNITY: Size = Size::from_bytes(1500);

/// The longest text that is taken for a trace. A carrier need not read more of a file.
pub const LONGEST_TEXT: Size = Size::from_bytes(64 << 20);

/// The longest period: a day.
pub const LONGEST_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

/// When a link can send, [`OPPORTUNITY`] bytes at a time. Cheap to clone.
///
/// Times are since the trace began. They are whole milliseconds; those asked about need not be.
///
/// ```
/// use std::time::Duration;
/// use wharf_link::trace::{Repeat, Trace};
///
/// // One opportunity a millisecond: 12 Mbit/s.
/// let trace = Trace::parse("steady", b"1\n", Repeat::Loop)?;
/// assert_eq!(trace.mean_rate().to_string(), "12mbit");
///
/// let hour = Duration::from_secs(3_600);
/// let next = trace.first_from(hour + Duration::from_micros(1));
/// assert_eq!(next.map(|next| next.time), Some(hour + Duration::from_millis(1)));
/// assert_eq!(trace.bytes_between(hour, hour * 2), 3_600_000 * 1500);
/// # Ok::<(), wharf_link::trace::TraceError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Trace {
    name: Arc<str>,
    instants: Arc<Loop>,
    repeat: Repeat,
}

/// What comes after the last opportunity of a trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// The trace again, from its beginning.
    #[default]
    Loop,
    /// Nothing: from then on, the link carries nothing.
    Once,
}

/// A chance to send [`OPPORTUNITY`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opportunity {
    /// Its number, from 0 on; it goes on counting from loop to loop.
    pub index: u64,
    /// When it is.
    pub time: Duration,
}

impl Trace {
    /// Reads Mahimahi's format. `name` is for people and for errors: a file's name, without its folder.
    ///
    /// # Errors
    /// The text is not a trace. The error has the line, what is wrong with it, and what to do.
    pub fn parse(name: &str, text: &[u8], repeat: Repeat) -> Result<Self, TraceError> {
        mahimahi::parse(text)
            .map(|instants| Self::of(name, instants, repeat))
            .map_err(|problem| TraceError::new(name, problem))
    }

    /// A trace of so many opportunities at each of these milliseconds, in rising order. Those with
    /// none are passed over; the last that has one is the period.
    ///
    /// # Errors
    /// They do not rise, there is no opportunity at all, or the period is zero or above a day.
    pub fn from_counts(
        name: &str,
        counts: impl IntoIterator<Item = (u32, u32)>,
        repeat: Repeat,
    ) -> Result<Self, TraceError> {
        Loop::new(counts)
            .map(|instants| Self::of(name, instants, repeat))
            .map_err(|problem| TraceError::new(name, problem))
    }

    fn of(name: &str, instants: Loop, repeat: Repeat) -> Self {
        Self {
            name: name.into(),
            instants: Arc::new(instants),
            repeat,
        }
    }

    /// The same trace, repeated or not.
    #[must_use]
    pub fn with_repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What comes after its last opportunity.
    #[must_use]
    pub fn repeat(&self) -> Repeat {
        self.repeat
    }

    /// How long one loop is. Never zero.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_millis(u64::from(self.instants.period().get()))
    }

    /// How many opportunities one loop has. Never zero.
    #[must_use]
    pub fn opportunities(&self) -> u64 {
        u64::from(self.instants.len().get())
    }

    /// When opportunity number `index` is. `None`: after the end of a trace that is not repeated, or
    /// beyond what a `Duration` holds.
    #[must_use]
    pub fn at(&self, index: u64) -> Option<Duration> {
        let (loops, rest) = (index / self.opportunities(), index % self.opportunities());
        if loops > 0 && self.repeat == Repeat::Once {
            return None;
        }
        // Less than the length of the loop, so it fits.
        let within = self.instants.at(u32::try_from(rest).ok()?)?;
        let start = loops.checked_mul(u64::from(self.instants.period().get()))?;
        Some(Duration::from_millis(start.checked_add(u64::from(within))?))
    }

    /// The first opportunity at or after `time`, if there is one.
    #[must_use]
    pub fn first_from(&self, time: Duration) -> Option<Opportunity> {
        let millis = time.as_nanos().div_ceil(NANOS_PER_MILLI);
        let index = u64::try_from(self.count(millis, Bound::Before)).ok()?;
        let time = self.at(index)?;
        Some(Opportunity { index, time })
    }

    /// The `n`-th opportunity after `this` one: the next for 1.
    #[must_use]
    pub fn after(&self, this: Opportunity, n: u64) -> Option<Opportunity> {
        let index = this.index.checked_add(n)?;
        let time = self.at(index)?;
        Some(Opportunity { index, time })
    }

    /// How many opportunities there have been by `time`, those at `time` included.
    #[must_use]
    pub fn count_by(&self, time: Duration) -> u64 {
        let count = self.count(time.as_nanos() / NANOS_PER_MILLI, Bound::Through);
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// How many bytes may leave after `from`, until and including `to`.
    #[must_use]
    pub fn bytes_between(&self, from: Duration, to: Duration) -> u64 {
        let count = self.count_by(to).saturating_sub(self.count_by(from));
        count.saturating_mul(OPPORTUNITY.bytes())
    }

    /// The mean rate of a loop, rounded down to whole bits a second (and up to one).
    #[must_use]
    pub fn mean_rate(&self) -> Rate {
        let bits = u128::from(self.opportunities()) * u128::from(OPPORTUNITY.bytes()) * 8;
        let bits = bits * 1_000 / u128::from(self.instants.period().get());
        let bits = u64::try_from(bits).unwrap_or(u64::MAX);
        Rate::from_bits(bits).unwrap_or(Rate::kbit(0))
    }

    /// The mean rates, in bits a second, of windows of this width that follow each other from the
    /// beginning of the trace on, without end. A width under a millisecond is a millisecond. What
    /// may leave at time zero belongs to the first window.
    pub fn rates(&self, width: Duration) -> impl Iterator<Item = f64> + '_ {
        let width = width.max(Duration::from_millis(1));
        let mut from = Duration::ZERO;
        let mut before = 0;
        std::iter::repeat_with(move || {
            from = from.saturating_add(width);
            let count = self.count_by(from);
            let bits = (count - before).saturating_mul(OPPORTUNITY.bytes() * 8);
            before = count;
            bits as f64 / width.as_secs_f64()
        })
    }

    /// One loop: the milliseconds at which something may leave, and how many opportunities each has.
    pub fn counts(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.instants.counts()
    }

    fn count(&self, millis: u128, bound: Bound) -> u128 {
        let period = u128::from(self.instants.period().get());
        let within = |millis: u128| {
            let millis = u32::try_from(millis).unwrap_or(u32::MAX);
            u128::from(match bound {
                Bound::Before => self.instants.before(millis),
                Bound::Through => self.instants.through(millis),
            })
        };
        if self.repeat == Repeat::Once {
            return within(millis);
        }
        // The end of one loop is the beginning of the next, and both may have opportunities. `rest`
        // is from 1 to the period, so those of the end belong to the loop before.
        let Some(past) = millis.checked_sub(1) else {
            return within(0);
        };
        let (loops, rest) = (past / period, past % period + 1);
        let next = match bound {
            Bound::Through if rest == period => self.instants.through(0),
            _ => 0,
        };
        loops * u128::from(self.instants.len().get()) + within(rest) + u128::from(next)
    }
}

#[derive(Clone, Copy)]
enum Bound {
    Before,
    Through,
}

const NANOS_PER_MILLI: u128 = 1_000_000;

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("name", &self.name)
            .field("repeat", &self.repeat)
            .field("period", &self.period())
            .field("opportunities", &self.opportunities())
            .finish()
    }
}
