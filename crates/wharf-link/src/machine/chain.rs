//! Correlated normal numbers that are still a function of (seed, index).
//!
//! A chain of first order, zₙ = ρ·zₙ₋₁ + √(1−ρ²)·εₙ, has just the autocorrelation ρᵏ that is wanted.
//! But its state has no end of past: packet number a million would need a million steps, and a seed
//! would not be enough to know it. So the chain is cut into blocks, and each block has a chain of its
//! own, which sets out a warm-up before it with z = ε there and takes the same steps.
//!
//! ```text
//!  chain of block 0  ───────────────────────┐
//!  chain of block 1              ╌╌╌╌╌╌╌╌╌╌╌└──────────────────────┐
//!  chain of block 2                    warm-up         ╌╌╌╌╌╌╌╌╌╌╌╌└────────
//! ```
//!
//! Each z is exactly standard normal. Within a block the autocorrelation is exact. Over a boundary
//! it is too low by the part ρ²ᵂ, W being the warm-up's length: under a millionth up to ρ = 0.999.
//! (Beyond, W stays at 8192 so that the work is bounded, and one lag in 8192 and more has less than it
//! should.) In their order, packets cost one step each, or two in a warm-up; any packet is reached in
//! at most a block and a warm-up.

use crate::random::{self, Purpose, Seed};
use crate::units::Correlation;

const LONGEST_WARM_UP: u64 = 8192;
const SHORTEST_BLOCK: u64 = 1024;
/// ρ²ᵂ is below this.
const ERROR: f64 = 1e-6;

/// The chain, standing at one packet.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    correlation: Correlation,
    innovation: f64,
    warm_up: u64,
    block: u64,
    /// The packet where it stands, and its number; none: it has not begun.
    at: Option<(u64, f64)>,
    /// The next block's chain, in its warm-up.
    next: f64,
}

impl Chain {
    /// `None` where there is no correlation: then no chain is needed.
    pub(crate) fn new(correlation: Correlation) -> Option<Self> {
        if correlation == Correlation::NONE {
            return None;
        }
        let rho = correlation.coefficient();
        let steps = libm::ceil(libm::log(ERROR) / (2.0 * libm::log(rho)));
        let warm_up = (steps as u64).clamp(1, LONGEST_WARM_UP);
        Some(Self {
            correlation,
            innovation: (1.0 - rho * rho).sqrt(),
            warm_up,
            block: SHORTEST_BLOCK.max(warm_up),
            at: None,
            next: 0.0,
        })
    }

    pub(crate) fn correlation(&self) -> Correlation {
        self.correlation
    }

    /// The number of packet `index`: standard normal, and like its neighbours'.
    pub(crate) fn score(&mut self, seed: Seed, index: u64) -> f64 {
        match self.at {
            Some((at, score)) if at == index => return score,
            Some((at, _)) if at < index && index - at <= self.block + self.warm_up => {}
            _ => {
                // From the warm-up of the packet's block.
                let begin = (index / self.block * self.block).saturating_sub(self.warm_up);
                self.next = step(seed, begin);
                self.at = Some((begin, self.next));
            }
        }
        while let Some((at, score)) = self.at
            && at < index
        {
            self.step(seed, at + 1, score);
        }
        self.at.map_or(0.0, |(_, score)| score)
    }

    fn step(&mut self, seed: Seed, index: u64, before: f64) {
        let noise = step(seed, index);
        let rho = self.correlation.coefficient();
        let on = |before: f64| rho * before + self.innovation * noise;
        let place = index % self.block;
        let warming_since = self.block - self.warm_up;
        let next = match place {
            0 => on(self.next),
            _ if place == warming_since => noise,
            _ => on(self.next),
        };
        // A block as long as its warm-up begins the next one's with its first packet.
        let score = match place {
            0 if index > 0 => next,
            _ => on(before),
        };
        self.next = match place == 0 && warming_since == 0 {
            true => noise,
            false => next,
        };
        self.at = Some((index, score));
    }
}

fn step(seed: Seed, index: u64) -> f64 {
    random::normal(random::draw(seed, Purpose::JitterChain, index))
}
