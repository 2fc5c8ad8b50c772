//! The numbers that a queue draws, worked out a second time from the paper (Salmon et al., "Parallel
//! random numbers: as easy as 1, 2, 3", SC 2011): ten rounds on a counter of (index, purpose).

/// What a queue draws numbers for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Red = 50,
    Pie = 51,
    Flow = 52,
}

/// The first 64 bits drawn for number `index`.
pub(crate) fn bits(seed: u64, purpose: Purpose, index: u64) -> u64 {
    let (low, high) = (index as u32, (index >> 32) as u32);
    let mut counter = (low, high, purpose as u32, 0u32);
    let (mut key0, mut key1) = (seed as u32, (seed >> 32) as u32);
    for _ in 0..10 {
        let left = 0xD251_1F53 * u64::from(counter.0);
        let right = 0xCD9E_8D57 * u64::from(counter.2);
        counter = (
            (right >> 32) as u32 ^ counter.1 ^ key0,
            right as u32,
            (left >> 32) as u32 ^ counter.3 ^ key1,
            left as u32,
        );
        key0 = key0.wrapping_add(0x9E37_79B9);
        key1 = key1.wrapping_add(0xBB67_AE85);
    }
    u64::from(counter.1) << 32 | u64::from(counter.0)
}

/// The same as a number between 0 and 1, from its upper 52 bits.
pub(crate) fn unit(seed: u64, purpose: Purpose, index: u64) -> f64 {
    ((bits(seed, purpose, index) >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0
}
