//! How long what comes back is on its way.

use std::time::Duration;

use crate::conditions::Conditions;
use crate::machine::Delays;
use crate::random::Seed;

/// The way of acknowledgements over one stretch: its latency and jitter, and no more. They take next to no
/// room, and a lost one is made good by the next. That none overtakes, the [`Stream`](super::Stream) sees to.
#[derive(Debug, Clone)]
pub struct Transit {
    delays: Delays,
    seed: Seed,
    index: u64,
}

impl Transit {
    /// A way with these conditions. The seed is its own: see [`Seed::derive`].
    #[must_use]
    pub fn new(conditions: &Conditions, seed: Seed) -> Self {
        Self {
            delays: Delays::new(conditions),
            seed,
            index: 0,
        }
    }

    /// Other conditions from now on.
    pub fn set(&mut self, conditions: &Conditions) {
        self.delays.set(conditions);
    }

    /// How long the next one is on its way.
    pub fn take(&mut self) -> Duration {
        let score = self.delays.score(self.seed, self.index);
        let took = self.delays.of_packet(self.seed, self.index, score);
        self.index += 1;
        took
    }
}
