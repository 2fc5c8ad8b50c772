//! Latency and jitter: how long one packet is on its way.

use std::time::Duration;

use crate::conditions::{Conditions, Distribution};
use crate::random::{self, Purpose, Seed};

/// How long packet number `index` is under way.
pub(crate) fn of_packet(conditions: &Conditions, seed: Seed, index: u64) -> Duration {
    let latency = conditions.latency.duration();
    let Some(jitter) = &conditions.jitter else {
        return latency;
    };
    let draw = random::draw(seed, Purpose::Jitter, index);
    let spread = i128::from(nanos(jitter.spread));
    let offset = match &jitter.distribution {
        // Scaled in whole nanoseconds: the top 64 bits of a 128-bit product.
        Distribution::Uniform => {
            let width = u128::from(nanos(jitter.spread)) * 2 + 1;
            ((u128::from(draw[0]) * width) >> 64) as i128 - spread
        }
        _ => (random::normal(draw) * spread as f64) as i128,
    };
    let delay = i128::from(nanos(latency)) + offset;
    Duration::from_nanos(u64::try_from(delay.max(0)).unwrap_or(u64::MAX))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
