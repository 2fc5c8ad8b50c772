//! How fast packets leave: by a rate with a bucket of tokens, or by a trace.

use std::time::Duration;

use crate::conditions::Conditions;
use crate::trace::{OPPORTUNITY, Opportunity, Trace};
use crate::units::Rate;

/// What says when a packet has left that begins to be sent.
#[derive(Debug, Clone)]
pub(crate) enum Pace {
    Rate(Bucket),
    Trace(Cursor),
}

impl Pace {
    /// `None` where packets do not wait for each other.
    pub(crate) fn new(conditions: &Conditions) -> Option<Self> {
        if let Some(trace) = &conditions.trace {
            return Some(Self::Trace(Cursor::new(trace.clone())));
        }
        let rate = conditions.rate?;
        let burst = conditions.burst.map_or(0, |burst| burst.bytes());
        Some(Self::Rate(Bucket::new(rate, burst)))
    }

    /// Whether these are other figures.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rate(one), Self::Rate(other)) => (one.rate, one.depth) != (other.rate, other.depth),
            (Self::Trace(one), Self::Trace(other)) => one.trace != other.trace,
            _ => true,
        }
    }

    /// When a packet of so many bytes has left whose turn comes at `start`. [`Duration::MAX`]: never.
    pub(crate) fn send(&mut self, start: Duration, bytes: u64) -> Duration {
        match self {
            Self::Rate(bucket) => bucket.send(start, bytes),
            Self::Trace(cursor) => cursor.send(start, bytes),
        }
    }

    /// Nothing waits any more.
    pub(crate) fn rest(&mut self) {
        match self {
            Self::Rate(_) => {}
            Self::Trace(cursor) => cursor.at = None,
        }
    }

    /// How many bytes of a packet of `bytes` that has left at `done` have not by `now`.
    pub(crate) fn left(&self, now: Duration, done: Duration, bytes: u64) -> u64 {
        let left = match self {
            Self::Rate(bucket) => bucket.rate.bytes_in(done.saturating_sub(now)),
            Self::Trace(cursor) => cursor.left(now, done),
        };
        left.min(bytes)
    }

    /// Everything is so much later.
    pub(crate) fn postpone(&mut self, by: Duration) {
        match self {
            Self::Rate(bucket) => bucket.full = bucket.full.saturating_add(by),
            Self::Trace(_) => {}
        }
    }
}

/// A token bucket, by the time at which it is full: no tokens need be counted in between, and without
/// a depth it is the time at which the line is free.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: Rate,
    /// How long it takes to fill.
    depth: Duration,
    full: Duration,
    /// What was cut off when `full` was rounded down, in bit·nanoseconds, so that a million packets
    /// take exactly a million times as long as one.
    carry: u64,
}

const BIT_NANOS_A_BYTE: u64 = 8 * 1_000_000_000;

impl Bucket {
    fn new(rate: Rate, burst: u64) -> Self {
        let depth = u128::from(burst) * u128::from(BIT_NANOS_A_BYTE) / u128::from(rate.bits());
        Self {
            rate,
            depth: nanos(depth),
            full: Duration::ZERO,
            carry: 0,
        }
    }

    fn send(&mut self, start: Duration, bytes: u64) -> Duration {
        if self.full < start {
            self.full = start;
            self.carry = 0;
        }
        let rate = self.rate.bits();
        let small = bytes
            .checked_mul(BIT_NANOS_A_BYTE)
            .and_then(|work| work.checked_add(self.carry));
        let time = match small {
            Some(work) => {
                self.carry = work % rate;
                Duration::from_nanos(work / rate)
            }
            None => {
                let work = u128::from(bytes) * u128::from(BIT_NANOS_A_BYTE) + u128::from(self.carry);
                // Less than the rate.
                self.carry = (work % u128::from(rate)) as u64;
                nanos(work / u128::from(rate))
            }
        };
        self.full = self.full.saturating_add(time);
        self.full.saturating_sub(self.depth).max(start)
    }

    /// The rest of a packet that is being sent, done by the old figures at `done`, goes by these. The
    /// bucket begins empty.
    pub(crate) fn take_over(&mut self, old: &Self, now: Duration, done: Duration) -> Duration {
        let left = done.saturating_sub(now).as_nanos();
        let rest = left * u128::from(old.rate.bits()) / u128::from(self.rate.bits());
        let done = now.saturating_add(nanos(rest));
        self.begin_empty(done);
        done
    }

    pub(crate) fn begin_empty(&mut self, now: Duration) {
        self.full = now.saturating_add(self.depth);
    }
}

/// A place in a trace.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    trace: Trace,
    /// The opportunity that was used last; none: the line has rested since, and what was left of it
    /// is lost.
    at: Option<Opportunity>,
    /// How much of it is left.
    left: u64,
}

impl Cursor {
    fn new(trace: Trace) -> Self {
        Self {
            trace,
            at: None,
            left: 0,
        }
    }

    /// As `mm-link` does it: a packet begins with what its predecessor has left of an opportunity. After a
    /// rest it waits for the next opportunity, and one at the very instant at which it comes is gone.
    fn send(&mut self, start: Duration, bytes: u64) -> Duration {
        if bytes == 0 {
            return start;
        }
        let current = self.at.filter(|at| at.time == start);
        let left = match current {
            Some(_) => self.left,
            None => 0,
        };
        let Some(more) = bytes.checked_sub(left).filter(|&more| more > 0) else {
            self.left = left - bytes;
            return start;
        };
        let count = more.div_ceil(OPPORTUNITY.bytes());
        let last = match current {
            Some(current) => self.trace.after(current, count),
            None => self
                .trace
                .first_from(start.saturating_add(Duration::from_nanos(1)))
                .and_then(|first| self.trace.after(first, count - 1)),
        };
        self.at = last;
        self.left = count * OPPORTUNITY.bytes() - more;
        last.map_or(Duration::MAX, |last| last.time)
    }

    fn left(&self, now: Duration, done: Duration) -> u64 {
        let Some(at) = self.at.filter(|at| at.time == done) else {
            return u64::MAX;
        };
        let past = self.trace.count_by(now);
        let count = (at.index + 1).saturating_sub(past);
        count
            .saturating_mul(OPPORTUNITY.bytes())
            .saturating_sub(self.left)
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
