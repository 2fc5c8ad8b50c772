//! One loop of a trace: opportunities at whole milliseconds.

use std::num::NonZeroU32;

use super::{LONGEST_PERIOD, TraceProblem};

/// Instants in rising order, each with the number of opportunities up to and with it. An instant that
/// has thousands takes no more memory than one that has one: a gigabit's trace is not longer than a
/// megabit's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loop {
    /// Each has at least one opportunity more than the one before it. There is at least one, and the
    /// last is not at zero.
    instants: Box<[Instant]>,
    /// The last instant.
    period: NonZeroU32,
    /// How many opportunities there are.
    len: NonZeroU32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Instant {
    millis: u32,
    through: u32,
}

pub(super) const LONGEST_MILLIS: u32 = LONGEST_PERIOD.as_secs() as u32 * 1_000;

impl Loop {
    pub(super) fn new(counts: impl IntoIterator<Item = (u32, u32)>) -> Result<Self, TraceProblem> {
        let mut instants: Vec<Instant> = Vec::new();
        for (millis, count) in counts.into_iter().filter(|&(_, count)| count > 0) {
            let through = match instants.last() {
                Some(last) if last.millis >= millis => {
                    let before = last.millis;
                    return Err(TraceProblem::Falls { before, millis });
                }
                last => last.map_or(0, |last| last.through),
            };
            if millis > LONGEST_MILLIS {
                return Err(TraceProblem::TooLate { millis });
            }
            let through = through.checked_add(count).ok_or(TraceProblem::TooMany)?;
            instants.push(Instant { millis, through });
        }
        let last = instants.last().ok_or(TraceProblem::Empty)?;
        let period = NonZeroU32::new(last.millis).ok_or(TraceProblem::NoPeriod)?;
        let len = NonZeroU32::new(last.through).ok_or(TraceProblem::Empty)?;
        Ok(Self {
            instants: instants.into(),
            period,
            len,
        })
    }

    pub(super) fn period(&self) -> NonZeroU32 {
        self.period
    }

    pub(super) fn len(&self) -> NonZeroU32 {
        self.len
    }

    /// When opportunity number `index` is.
    pub(super) fn at(&self, index: u32) -> Option<u32> {
        let place = self.instants.partition_point(|instant| instant.through <= index);
        self.instants.get(place).map(|instant| instant.millis)
    }

    /// How many opportunities are before this millisecond.
    pub(super) fn before(&self, millis: u32) -> u32 {
        let place = self.instants.partition_point(|instant| instant.millis < millis);
        self.through_place(place)
    }

    /// How many opportunities are before this millisecond or at it.
    pub(super) fn through(&self, millis: u32) -> u32 {
        let place = self.instants.partition_point(|instant| instant.millis <= millis);
        self.through_place(place)
    }

    fn through_place(&self, place: usize) -> u32 {
        let last = place.checked_sub(1).and_then(|last| self.instants.get(last));
        last.map_or(0, |instant| instant.through)
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut before = 0;
        self.instants.iter().map(move |instant| {
            let count = instant.through - before;
            before = instant.through;
            (instant.millis, count)
        })
    }
}
