//! When datagrams came.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Around;

/// A datagram that has waited for longer than this in the kernel was not kept there by a busy
/// machine: somebody has set the clock on the wall.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Tells when datagrams came, which is before they are read: what a busy machine takes to wake up
/// is no part of the link's latency.
pub(crate) struct Arrivals {
    pub(crate) now: Duration,
    wall: Duration,
}

impl Arrivals {
    pub(crate) fn now(around: Around<'_>) -> Self {
        let now = around.clock.now();
        // The epoch is that of the kernel's stamps.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { now, wall }
    }

    pub(crate) fn of(&self, stamp: Option<Duration>) -> Duration {
        let waited = stamp.and_then(|stamp| self.wall.checked_sub(stamp));
        let waited = waited.filter(|&waited| waited <= LONGEST_WAIT);
        self.now.saturating_sub(waited.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_counts_if_the_clock_on_the_wall_was_not_set_meanwhile() {
        let (now, wall) = (Duration::from_secs(7), Duration::from_secs(1_000));
        let arrivals = Arrivals { now, wall };
        let micros = Duration::from_micros;
        assert_eq!(arrivals.of(Some(wall - micros(80))), now - micros(80));
        assert_eq!(arrivals.of(None), now);
        assert_eq!(arrivals.of(Some(wall + micros(80))), now, "set back");
        assert_eq!(
            arrivals.of(Some(wall - Duration::from_secs(60))),
            now,
            "set forward"
        );
    }
}
