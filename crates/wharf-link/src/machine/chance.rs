//! How often something happens.

use crate::units::Probability;

/// A probability as a bound on 64 random bits: from 0 (never) to 2⁶⁴ (always).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Chance(u128);

const ONE: u128 = 1 << 64;
const BILLION: u128 = 1_000_000_000;

impl Chance {
    pub(crate) const NEVER: Self = Self(0);
    pub(crate) const ALWAYS: Self = Self(ONE);

    /// A fraction; out of 0 to 1, the nearer of the two.
    pub(crate) fn of_fraction(fraction: f64) -> Self {
        Self(((fraction * ONE as f64) as u128).min(ONE))
    }

    /// Whether it happens this time.
    pub(crate) fn hits(self, bits: u64) -> bool {
        u128::from(bits) < self.0
    }
}

impl From<Probability> for Chance {
    fn from(probability: Probability) -> Self {
        Self(u128::from(probability.parts_per_billion()) * ONE / BILLION)
    }
}
