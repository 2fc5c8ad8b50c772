//! How many bytes, and how fast over the last second.

use std::time::Duration;

const SLOTS: usize = 10;
const SLOT: Duration = Duration::from_millis(100);

/// Counts bytes in slots of 100 ms.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    total: u64,
    slots: [u64; SLOTS],
    /// The number of the newest slot.
    newest: u64,
}

impl Meter {
    pub(crate) fn add(&mut self, now: Duration, bytes: usize) {
        self.turn_to(now);
        self.total += bytes as u64;
        self.slots[(self.newest % SLOTS as u64) as usize] += bytes as u64;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Bits per second, over the last nine slots and what there is of the tenth.
    pub(crate) fn rate(&mut self, now: Duration) -> u64 {
        self.turn_to(now);
        let part = now.as_nanos() % SLOT.as_nanos();
        let window = SLOT.as_nanos() * (SLOTS as u128 - 1) + part;
        let bits = u128::from(self.slots.iter().sum::<u64>()) * 8;
        u64::try_from(bits * 1_000_000_000 / window.max(1)).unwrap_or(u64::MAX)
    }

    fn turn_to(&mut self, now: Duration) {
        let slot = u64::try_from(now.as_nanos() / SLOT.as_nanos()).unwrap_or(u64::MAX);
        let passed = slot.saturating_sub(self.newest).min(SLOTS as u64);
        for step in 1..=passed {
            self.slots[((slot - passed + step) % SLOTS as u64) as usize] = 0;
        }
        self.newest = self.newest.max(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_has_its_rate_and_a_pause_lets_it_fall_to_zero() {
        let mut meter = Meter::default();
        for milli in 0..3_000 {
            meter.add(Duration::from_millis(milli), 1_000);
        }
        assert_eq!(meter.total(), 3_000_000);
        let rate = meter.rate(Duration::from_micros(2_999_999));
        assert!((7_990_000..=8_010_000).contains(&rate), "{rate}");
        assert!(meter.rate(Duration::from_millis(3_500)) < 4_100_000);
        assert_eq!(meter.rate(Duration::from_millis(4_100)), 0);
    }
}
