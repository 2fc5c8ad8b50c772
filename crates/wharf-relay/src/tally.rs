//! What one thread has moved of a link's bytes, where others may ask.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::meter::Meter;

/// One for each direction. The thread that moves bytes holds it meanwhile, so that whoever has seen a
/// byte arrive, and asks, finds it counted.
#[derive(Debug, Default)]
pub(crate) struct Tallies([Mutex<Tally>; 2]);

/// What has been moved in one direction.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Bytes read from sources.
    pub(crate) taken: u64,
    /// Bytes written to sinks.
    pub(crate) meter: Meter,
}

/// The figures of tallies at one time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) taken: u64,
    pub(crate) written: u64,
    pub(crate) rate: u64,
}

impl Tallies {
    pub(crate) fn hold(&self, direction: usize) -> MutexGuard<'_, Tally> {
        // Numbers are right at any time.
        self.0[direction].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sums(&self, direction: usize, now: Duration) -> Sums {
        let mut tally = self.hold(direction);
        Sums {
            taken: tally.taken,
            written: tally.meter.total(),
            rate: tally.meter.rate(now),
        }
    }
}

impl std::iter::Sum for Sums {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            taken: sum.taken + one.taken,
            written: sum.written + one.written,
            rate: sum.rate.saturating_add(one.rate),
        })
    }
}
