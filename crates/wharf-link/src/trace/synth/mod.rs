//! Made-up traces: a documented model of a kind of network, a duration and a seed give a [`Trace`].
//!
//! Recorded traces are seldom free to hand on, and each is one ride on one day. A [`Model`] says in a
//! few figures what the rides of one kind have in common, and makes as many of them as are wanted.
//!
//! ```text
//!  rate = median · exp(spread · fade)       fade: standard normal, correlated over `memory`
//!         at most `ceiling`                 (an Ornstein–Uhlenbeck process, sampled each 100 ms)
//!         of the regime in force            two regimes, with exponential stays: seen and blocked
//!         or nothing                        in an outage, or in the gap at a reconfiguration
//! ```
//!
//! **The distribution** of the rate is log-normal: shadowing is log-normal in power (Gudmundson,
//! Electronics Letters 27(23), 1991), and so are speed tests, roughly. Median and spread are from
//! published percentiles: the spread is ln(p90 ÷ p10) ÷ 2.563. Those percentiles are over places and
//! users; the model lets one ride pass through all of them, which suits who drives, and overstates
//! what one sees who sits still. A log-normal has the same factor above its median as below, and some
//! sources have not: `5g` has 61 Mbit/s at its 10th percentile, where the tests had 41.
//!
//! **The memory** of the fade is a distance divided by a speed: the correlation distance of shadow
//! fading (3GPP TR 38.901 V16, table 7.5-6) by 50 km/h or 1.4 m/s. Where nothing moves, it is assumed.
//!
//! **What is assumed** is said in each model's [`source`](Model::source): outages, stays and ceilings
//! mostly. These models have no memory beyond a minute (no rush hour), no daily cycle, and their two
//! directions are independent of each other.
//!
//! [`Model::percentile`] and [`Model::autocorrelation`] state what follows from the figures, in closed
//! form; the tests hold long traces against them.

mod model;
mod parse;
mod process;
mod table;
mod theory;

use std::time::Duration;

pub use model::{Model, models};
pub use parse::ModelError;

use super::{OPPORTUNITY, Repeat, Trace, TraceError};
use crate::random::Seed;

/// For how long the rate of a model stays as it is.
pub const SLOT: Duration = Duration::from_millis(SLOT_MILLIS as u64);

const SLOT_MILLIS: u32 = 100;

impl Model {
    /// A trace of this model, as long as `duration` in whole milliseconds (at least one). The same
    /// seed gives the same trace, on every platform. The last millisecond has an opportunity
    /// whatever the rate, since it is the period.
    ///
    /// # Errors
    /// The duration is above a day, or the trace has more opportunities than can be counted.
    pub fn trace(&self, duration: Duration, seed: Seed) -> Result<Trace, TraceError> {
        // A day and a millisecond is refused, as all above it.
        let longest = super::LONGEST_PERIOD + Duration::from_millis(1);
        let millis = u32::try_from(duration.min(longest).as_millis()).unwrap_or(u32::MAX);
        Trace::from_counts(self.name(), counts(self, millis.max(1), seed), Repeat::Loop)
    }
}

/// How many opportunities each millisecond has. What is left over of a millisecond's bits goes to
/// the next, so that no rate is lost to rounding.
fn counts(model: &Model, millis: u32, seed: Seed) -> impl Iterator<Item = (u32, u32)> {
    /// One opportunity in thousandths of a bit, which is what 1 bit/s gives in 1 ms.
    const WORTH: u64 = OPPORTUNITY.bytes() * 8 * 1_000;
    let mut slots = model.slots(seed);
    let mut slot = process::Slot::default();
    let mut credit = 0u64;
    (1..=millis).map(move |at| {
        let within = (at - 1) % SLOT_MILLIS;
        if within == 0 {
            slot = slots.next().unwrap_or_default();
        }
        if within >= slot.silent {
            credit = credit.saturating_add(slot.bits);
        }
        let count = credit / WORTH;
        credit %= WORTH;
        let least = u32::from(at == millis);
        (at, u32::try_from(count).unwrap_or(u32::MAX).max(least))
    })
}
