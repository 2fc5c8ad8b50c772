//! The round trip as the sender sees it, and the timeout that follows (RFC 6298, as Linux has it).

use std::time::Duration;

/// The timeout before there is a sample (RFC 6298, 2.1).
const INITIAL: Duration = Duration::from_secs(1);

/// The least that Linux adds to the smoothed round trip (`TCP_RTO_MIN`). RFC 6298 asks for a timeout
/// of a second at least, and nobody does that.
const LEAST_VARIANCE: Duration = Duration::from_millis(200);

/// `TCP_RTO_MAX`.
const LONGEST: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Default)]
pub(super) struct Rtt {
    smoothed: Option<Duration>,
    /// RTTVAR.
    variance: Duration,
    least: Option<Duration>,
    /// How often the timeout has been doubled.
    doubled: u32,
}

impl Rtt {
    pub(super) fn sample(&mut self, sample: Duration) {
        self.doubled = 0;
        self.least = Some(self.least.map_or(sample, |least| least.min(sample)));
        match self.smoothed {
            None => {
                self.smoothed = Some(sample);
                self.variance = sample / 2;
            }
            Some(smoothed) => {
                let off = smoothed.abs_diff(sample);
                self.variance = (self.variance * 3 + off) / 4;
                self.smoothed = Some((smoothed * 7 + sample) / 8);
            }
        }
    }

    /// The smoothed round trip; a millisecond where it is unknown or less.
    pub(super) fn smoothed(&self) -> Duration {
        const LEAST: Duration = Duration::from_millis(1);
        self.smoothed.map_or(LEAST, |smoothed| smoothed.max(LEAST))
    }

    /// The least round trip seen.
    pub(super) fn least(&self) -> Duration {
        self.least.unwrap_or_default()
    }

    pub(super) fn timeout(&self) -> Duration {
        let base = self.smoothed.map_or(INITIAL, |smoothed| {
            smoothed.saturating_add((self.variance * 4).max(LEAST_VARIANCE))
        });
        base.saturating_mul(1 << self.doubled.min(16)).min(LONGEST)
    }

    pub(super) fn back_off(&mut self) {
        self.doubled = self.doubled.saturating_add(1);
    }

    /// When the tail is probed after the last transmission (RFC 8985, 7.2): two round trips, and where
    /// a single segment is under way, as much more as a receiver may delay its ACK.
    pub(super) fn probe_timeout(&self, alone: bool) -> Duration {
        const NEXT_TICK: Duration = Duration::from_millis(2);
        let more = if alone { LEAST_VARIANCE } else { NEXT_TICK };
        self.smoothed
            .map_or(INITIAL, |smoothed| (smoothed * 2).saturating_add(more))
    }
}
