//! How late deliveries were.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Each power of two is divided into so many buckets, so that a percentile is at most 1/4 too high.
const PARTS: u32 = 4;

/// Up to 2³⁶ ns, a minute.
const BUCKETS: usize = 37 * PARTS as usize;

/// A histogram of latenesses. It takes memory when the first is recorded.
#[derive(Debug, Default)]
pub struct Lateness {
    buckets: Option<Box<[u64; BUCKETS]>>,
    most: Duration,
}

/// How late deliveries were: the time at which bytes were written, after the time at which they should
/// have been. What a reader that takes no more delays is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatenessStats {
    /// How many deliveries were timed.
    pub count: u64,
    /// Half of them were no later than this, in nanoseconds.
    pub p50: u64,
    /// 99 of 100 were no later than this, in nanoseconds.
    pub p99: u64,
    /// The latest, in nanoseconds.
    pub max: u64,
}

impl Lateness {
    /// Counts a delivery.
    pub fn record(&mut self, late: Duration) {
        self.most = self.most.max(late);
        let buckets = self.buckets.get_or_insert_with(|| Box::new([0; BUCKETS]));
        if let Some(count) = buckets.get_mut(bucket(nanos(late))) {
            *count += 1;
        }
    }

    /// What there is to say of all.
    #[must_use]
    pub fn summary(&self) -> LatenessStats {
        let Some(buckets) = &self.buckets else {
            return LatenessStats::default();
        };
        let count: u64 = buckets.iter().sum();
        let max = nanos(self.most);
        let percentile = |part: u64| {
            let wanted = (count * part).div_ceil(100);
            let mut sum = 0;
            let index = buckets.iter().position(|here| {
                sum += here;
                sum >= wanted
            });
            index.map_or(max, |index| upper(index).min(max))
        };
        LatenessStats {
            count,
            p50: percentile(50),
            p99: percentile(99),
            max,
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(PARTS.into());
    let power = nanos.ilog2();
    // The two bits behind the highest.
    let part = nanos >> (power - 2) & 3;
    let index = power as usize * PARTS as usize + part as usize;
    index.min(BUCKETS - 1)
}

/// The greatest value of a bucket.
fn upper(index: usize) -> u64 {
    let (power, part) = (index as u64 / u64::from(PARTS), index as u64 % u64::from(PARTS));
    if power < 2 {
        return 3;
    }
    ((5 + part) << (power - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_at_most_a_quarter_too_high() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.summary(), LatenessStats::default());
        for micros in 1..=1000 {
            lateness.record(Duration::from_micros(micros));
        }
        let LatenessStats { count, p50, p99, max } = lateness.summary();
        assert_eq!((count, max), (1000, 1_000_000));
        assert!((500_000..=625_000).contains(&p50), "{p50}");
        assert!((990_000..=1_000_000).contains(&p99), "{p99}");
        lateness.record(Duration::MAX);
        lateness.record(Duration::ZERO);
        assert_eq!(lateness.summary().max, u64::MAX);
    }

    #[test]
    fn a_value_is_within_its_bucket() {
        for value in (0..1 << 20).step_by(37).chain([4, 5, 7, 8, 1 << 35]) {
            let index = bucket(value);
            assert!(value <= upper(index), "{value}");
            assert!(value < 4 || index == 8 || value > upper(index - 1), "{value}");
        }
    }
}
