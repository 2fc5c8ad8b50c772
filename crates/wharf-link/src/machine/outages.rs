//! When a link is off: the schedule of an [`Outage`].
//!
//! The schedule is a function of the seed and of time alone, whatever has been asked before. Random
//! turns are drawn epoch by epoch, each of 256 mean cycles, so that an hour of idleness costs no more
//! than one epoch's walk. At an epoch's beginning the state is drawn anew from its stationary
//! distribution: an exponential turn has no memory, so but for that one change of state in 256
//! cycles the process is what one long walk would be.

use std::time::Duration;

use super::chance::Chance;
use crate::conditions::{Outage, Turns};
use crate::random::{self, Purpose, Seed};

const CYCLES: u32 = 256;

/// A stretch of time in which the link is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    is_on: bool,
    begin: Duration,
    end: Duration,
}

impl Turn {
    fn holds(&self, time: Duration) -> bool {
        self.begin <= time && time < self.end
    }
}

/// The schedule, with the turn that was asked for last.
#[derive(Debug, Clone)]
pub(crate) struct Outages {
    outage: Outage,
    seed: Seed,
    at: Walk,
}

#[derive(Debug, Clone, Copy)]
struct Walk {
    epoch: u64,
    /// Its place in the epoch.
    number: u64,
    turn: Turn,
}

impl Outages {
    pub(crate) fn new(outage: Outage, seed: Seed) -> Self {
        let mut outages = Self {
            outage,
            seed,
            at: Walk {
                epoch: 0,
                number: 0,
                turn: Turn {
                    is_on: true,
                    begin: Duration::ZERO,
                    end: Duration::ZERO,
                },
            },
        };
        outages.at = outages.first_of(0);
        outages
    }

    pub(crate) fn outage(&self) -> Outage {
        self.outage
    }

    /// Whether the link is on at `time`, keeping the place for the next question.
    pub(crate) fn is_on(&mut self, time: Duration) -> bool {
        self.at = self.walk_to(time);
        self.at.turn.is_on
    }

    /// When the link is on again: `time`, if it is on then.
    pub(crate) fn settle(&self, time: Duration) -> Duration {
        self.after(time, Duration::ZERO)
    }

    /// When the link will have been on for so long since `time`.
    pub(crate) fn after(&self, time: Duration, on_for: Duration) -> Duration {
        let (mut time, mut left) = (time, on_for);
        // Whole cycles at once; of random turns whole epochs, and only when there are many of them: each
        // is taken to be on for as long as in the mean, which is right within a few percent.
        let (span, on, near) = match self.outage.turns() {
            Turns::Periodic => (self.cycle(), self.outage.on().duration(), 1),
            Turns::Random => (self.epoch_length(), self.outage.on().duration() * CYCLES, 4),
        };
        if left > on * near {
            let whole = left.as_nanos() / on.as_nanos() - u128::from(near);
            let whole = u32::try_from(whole).unwrap_or(u32::MAX);
            left -= on * whole;
            time = time.saturating_add(span.saturating_mul(whole));
        }
        let mut walk = self.walk_to(time);
        loop {
            if walk.turn.is_on {
                let rest = walk.turn.end.saturating_sub(time);
                // What ends with the turn has made it.
                if left <= rest {
                    return time.saturating_add(left);
                }
                left -= rest;
            }
            time = walk.turn.end;
            if time == Duration::MAX {
                return time;
            }
            walk = self.next_of(walk);
        }
    }

    fn cycle(&self) -> Duration {
        // Each is at most a day.
        self.outage.on().duration() + self.outage.off().duration()
    }

    fn epoch_length(&self) -> Duration {
        self.cycle() * CYCLES
    }

    /// The turn that holds `time`.
    fn walk_to(&self, time: Duration) -> Walk {
        let epoch = u64::try_from(time.as_nanos() / self.epoch_length().as_nanos()).unwrap_or(u64::MAX);
        let mut walk = match self.at {
            at if at.epoch == epoch && at.turn.begin <= time => at,
            _ => self.first_of(epoch),
        };
        while !walk.turn.holds(time) && walk.turn.end != Duration::MAX {
            walk = self.next_of(walk);
        }
        walk
    }

    fn first_of(&self, epoch: u64) -> Walk {
        let begin = times(self.epoch_length(), epoch);
        // What never happens has a time too, and no epoch holds that. There the link stays off.
        if epoch == u64::MAX {
            let turn = Turn {
                is_on: false,
                begin,
                end: Duration::MAX,
            };
            return Walk {
                epoch,
                number: 0,
                turn,
            };
        }
        let [draw, _] = random::draw(self.seed, Purpose::OutageState, epoch);
        let (on, off) = (self.outage.on().duration(), self.outage.off().duration());
        let share = on.as_secs_f64() / (on.as_secs_f64() + off.as_secs_f64());
        let is_on = match self.outage.turns() {
            Turns::Periodic => true,
            Turns::Random => epoch == 0 || Chance::of_fraction(share).hits(draw),
        };
        self.turn(epoch, 0, begin, is_on)
    }

    fn next_of(&self, walk: Walk) -> Walk {
        let begin = walk.turn.end;
        if begin >= times(self.epoch_length(), walk.epoch.saturating_add(1)) {
            return self.first_of(walk.epoch.saturating_add(1));
        }
        self.turn(walk.epoch, walk.number + 1, begin, !walk.turn.is_on)
    }

    fn turn(&self, epoch: u64, number: u64, begin: Duration, is_on: bool) -> Walk {
        let mean = match is_on {
            true => self.outage.on().duration(),
            false => self.outage.off().duration(),
        };
        let length = match self.outage.turns() {
            Turns::Periodic => mean,
            Turns::Random => {
                let seed = Seed(random::draw(self.seed, Purpose::OutageTurns, epoch)[0]);
                let [draw, _] = random::draw(seed, Purpose::OutageTurns, number);
                let nanos = -libm::log(random::open_unit(draw)) * mean.as_nanos() as f64;
                // Time goes on, however short a turn.
                Duration::from_nanos((nanos as u64).max(1))
            }
        };
        let end_of_epoch = times(self.epoch_length(), epoch.saturating_add(1));
        let end = begin.saturating_add(length).min(end_of_epoch);
        Walk {
            epoch,
            number,
            turn: Turn { is_on, begin, end },
        }
    }
}

fn times(length: Duration, number: u64) -> Duration {
    const NANOS: u128 = 1_000_000_000;
    let nanos = length.as_nanos().saturating_mul(u128::from(number));
    match u64::try_from(nanos / NANOS) {
        // Below a billion, so it fits.
        Ok(seconds) => Duration::new(seconds, (nanos % NANOS) as u32),
        Err(_) => Duration::MAX,
    }
}
