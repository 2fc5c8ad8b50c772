//! Randomness that is a function: of the seed, of what it is for, and of the packet's number.
//!
//! A generator with a state would make every draw depend on all draws before it, so that adding an
//! impairment, or dropping a packet, would change the fate of everything behind. Here each packet
//! looks its own numbers up. The function is Philox4x32-10 (Salmon et al., "Parallel random numbers:
//! as easy as 1, 2, 3", SC 2011), checked against the paper's known answers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where all chance in a run comes from. Same seed, same run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of a part: of a link by its name, of a direction by `up` or `down`. Parts with
    /// different names are independent of each other, and adding one leaves the others as they were.
    #[must_use]
    pub fn derive(self, part: &str) -> Self {
        let mut key = self.0;
        for (index, byte) in (0u64..).zip(part.bytes()) {
            let block = philox([u64::from(byte), index], key);
            key = block[0];
        }
        // The length closes the name, or `a` + `b` would be the same as `ab`.
        Self(philox([u64::MAX, part.len() as u64], key)[0])
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Seed {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(Self)
    }
}

/// What a number is drawn for. Each has a stream of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Jitter = 1,
    /// The steps of the chain that makes jitter correlated.
    JitterChain = 2,
    Loss = 3,
    Corrupt = 4,
    Duplicate = 5,
    Reorder = 6,
    OutageState = 7,
    OutageTurns = 8,
    Red = 50,
    Pie = 51,
    /// Which queue a flow has.
    Flow = 52,
    /// The models of traces, whose parts have seeds of their own.
    Trace = 100,
}

/// Two independent numbers for packet number `index`.
pub(crate) fn draw(seed: Seed, purpose: Purpose, index: u64) -> [u64; 2] {
    philox([index, purpose as u64], seed.0)
}

/// A number in the open interval from 0 to 1, with 53 bits: every such number is exact in an f64.
pub(crate) fn open_unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// A standard normal number, by Box and Muller. `libm` is Rust, the same on every platform; the
/// methods of f64 call the platform's.
pub(crate) fn normal(draw: [u64; 2]) -> f64 {
    let radius = (-2.0 * libm::log(open_unit(draw[0]))).sqrt();
    radius * libm::cos(std::f64::consts::TAU * open_unit(draw[1]))
}

fn philox(counter: [u64; 2], key: u64) -> [u64; 2] {
    let halves = |wide: u64| [wide as u32, (wide >> 32) as u32];
    let ([a, b], [c, d]) = (halves(counter[0]), halves(counter[1]));
    let [a, b, c, d] = philox4x32([a, b, c, d], halves(key));
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    [join(a, b), join(c, d)]
}

fn philox4x32(mut x: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const ROUNDS: usize = 10;
    for _ in 0..ROUNDS {
        let first = u64::from(x[0]) * 0xD251_1F53;
        let second = u64::from(x[2]) * 0xCD9E_8D57;
        x = [
            (second >> 32) as u32 ^ x[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ x[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the known-answer file that accompanies the paper.
    #[test]
    fn philox_gives_the_known_answers() {
        let answer = philox4x32([0; 4], [0; 2]);
        assert_eq!(answer, [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        let answer = philox4x32([u32::MAX; 4], [u32::MAX; 2]);
        assert_eq!(answer, [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        let answer = philox4x32(
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
        );
        assert_eq!(answer, [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
    }

    #[test]
    fn parts_of_a_seed_differ() {
        let seed = Seed(7);
        assert_ne!(seed.derive("up"), seed.derive("down"));
        assert_ne!(seed.derive("a").derive("b"), seed.derive("ab"));
        assert_eq!(seed.derive("up"), Seed(7).derive("up"));
    }

    #[test]
    fn the_unit_interval_is_open() {
        assert!(open_unit(0) > 0.0);
        assert!(open_unit(u64::MAX) < 1.0);
    }
}
