//! How many ICMP errors a node sends.

use std::time::Duration;

/// A token bucket for ICMP errors, which every router has to have (RFC 1812, section 4.3.2.8; RFC
/// 4443, section 2.4 (f)): one that answers each of a flood of packets doubles the flood.
#[derive(Debug, Clone)]
pub struct ErrorBudget {
    /// The time that earns one error.
    interval: Duration,
    /// The most time that is saved up.
    most: Duration,
    /// Up to when all is spent.
    spent: Duration,
}

impl ErrorBudget {
    /// One error every millisecond, and 50 at once: what Linux had for a whole host for long
    /// (`icmp_msgs_per_sec`, `icmp_msgs_burst`). `traceroute` sees every hop.
    pub const DEFAULT: Self = Self::new(Duration::from_millis(1), 50);

    /// One error in each interval, and at most so many at once after a pause.
    #[must_use]
    pub const fn new(interval: Duration, burst: u32) -> Self {
        Self {
            interval,
            most: interval.saturating_mul(burst),
            spent: Duration::ZERO,
        }
    }

    /// Whether one may be sent now, which is then spent. `now` is the time since anything; a clock
    /// that goes back earns nothing.
    pub fn take(&mut self, now: Duration) -> bool {
        // A node that has just begun has a whole burst: its clock is taken to have run before.
        let now = now.saturating_add(self.most);
        let from = self.spent.max(now.saturating_sub(self.most));
        let until = from.saturating_add(self.interval);
        let may = until <= now;
        if may {
            self.spent = until;
        }
        may
    }
}

impl Default for ErrorBudget {
    fn default() -> Self {
        Self::DEFAULT
    }
}
