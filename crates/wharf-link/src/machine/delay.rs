//! Latency and jitter: how long one packet is on its way.

use std::time::Duration;

use super::chain::Chain;
use crate::conditions::{Conditions, Distribution, Jitter, Order};
use crate::random::{self, Purpose, Seed};
use crate::units::Correlation;

/// Latency and jitter, running.
#[derive(Debug, Clone)]
pub(crate) struct Delays {
    latency: Duration,
    jitter: Option<Jitter>,
    chain: Option<Chain>,
}

impl Delays {
    pub(crate) fn new(conditions: &Conditions) -> Self {
        let jitter = conditions.jitter.clone();
        let chain = jitter.as_ref().and_then(|jitter| Chain::new(jitter.correlation));
        Self {
            latency: conditions.latency.duration(),
            jitter: jitter.filter(|jitter| !jitter.spread.is_zero()),
            chain,
        }
    }

    /// The same for other conditions. A chain that stays goes on.
    pub(crate) fn set(&mut self, conditions: &Conditions) {
        let mut new = Self::new(conditions);
        let correlation = |chain: &Option<Chain>| chain.as_ref().map(Chain::correlation);
        if correlation(&new.chain) == correlation(&self.chain) {
            new.chain = self.chain.take();
        }
        *self = new;
    }

    /// Whether packets may overtake each other by their jitter.
    pub(crate) fn order(&self) -> Order {
        self.jitter.as_ref().map_or(Order::Kept, |jitter| jitter.order)
    }

    pub(crate) fn latency(&self) -> Duration {
        self.latency
    }

    /// What packet number `index` has to remember of its neighbours. To be asked in their order.
    pub(crate) fn score(&mut self, seed: Seed, index: u64) -> Option<f64> {
        self.chain.as_mut().map(|chain| chain.score(seed, index))
    }

    /// How long packet number `index` is under way. `score` is what it remembers.
    pub(crate) fn of_packet(&self, seed: Seed, index: u64, score: Option<f64>) -> Duration {
        let Some(jitter) = &self.jitter else {
            return self.latency;
        };
        let score = score.filter(|_| jitter.correlation != Correlation::NONE);
        let offset = match score {
            Some(score) => correlated(jitter, score),
            None => independent(jitter, random::draw(seed, Purpose::Jitter, index)),
        };
        let delay = i128::from(nanos(self.latency)) + i128::from(offset);
        Duration::from_nanos(u64::try_from(delay.max(0)).unwrap_or(u64::MAX))
    }
}

/// The offset from the latency, in nanoseconds, that two random numbers give.
fn independent(jitter: &Jitter, draw: [u64; 2]) -> i64 {
    let spread = nanos(jitter.spread);
    match &jitter.distribution {
        // Scaled in whole nanoseconds: the top 64 bits of a 128-bit product.
        Distribution::Uniform => {
            let width = u128::from(spread) * 2 + 1;
            let offset = ((u128::from(draw[0]) * width) >> 64) as i128 - i128::from(spread);
            i64::try_from(offset).unwrap_or(i64::MAX)
        }
        Distribution::Pareto => scaled(jitter, pareto(random::open_unit(draw[0]))),
        Distribution::Table(table) => scaled(jitter, of_table(table.values(), draw[0])),
        Distribution::Normal | Distribution::ParetoNormal => correlated(jitter, random::normal(draw)),
    }
}

/// The same from one standard normal number: the Gaussian copula. Whatever the shape, packets with
/// like numbers have like places in it.
fn correlated(jitter: &Jitter, score: f64) -> i64 {
    let above = || 0.5 * libm::erfc(score / std::f64::consts::SQRT_2);
    let below = || 0.5 * libm::erfc(-score / std::f64::consts::SQRT_2);
    let offset = match &jitter.distribution {
        Distribution::Uniform => 2.0 * below() - 1.0,
        Distribution::Normal => score,
        Distribution::Pareto => pareto(above()),
        Distribution::ParetoNormal => (0.25 * score + 0.75 * pareto(above())) / PARETO_NORMAL_DEVIATION,
        Distribution::Table(table) => of_table(table.values(), (below() * TWO_64) as u64),
    };
    scaled(jitter, offset)
}

/// The number above which is the part `above` of Pareto's distribution with shape 3, moved and scaled
/// so that its mean is 0 (it was 3/2) and its variance 1 (it was 3/4).
fn pareto(above: f64) -> f64 {
    const MEAN: f64 = 1.5;
    // 1 / √(3/4)
    const SCALE: f64 = 1.154_700_538_379_251_5;
    (1.0 / libm::cbrt(above.max(f64::MIN_POSITIVE)) - MEAN) * SCALE
}

/// The standard deviation of a quarter of a normal number and three quarters of the Pareto number
/// at the same place: √(1/16 + 9/16 + 2·(1/4)·(3/4)·c), where c = 0.678352789… is their covariance,
/// integrated numerically.
const PARETO_NORMAL_DEVIATION: f64 = 0.937_753_856_873;

const TWO_64: f64 = 18_446_744_073_709_551_616.0;

/// One spread, in a table's numbers (iproute2, `TABLEFACTOR`).
const TABLE_UNIT: f64 = 8192.0;

fn of_table(values: &[i16], bits: u64) -> f64 {
    let place = (u128::from(bits) * values.len() as u128) >> 64;
    let value = usize::try_from(place).ok().and_then(|place| values.get(place));
    f64::from(value.copied().unwrap_or(0)) / TABLE_UNIT
}

/// So many spreads in nanoseconds; casts of floats stop at the ends of the range.
fn scaled(jitter: &Jitter, spreads: f64) -> i64 {
    (spreads * nanos(jitter.spread) as f64) as i64
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
