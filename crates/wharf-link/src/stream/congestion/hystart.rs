//! Leaving slow start before it overflows a queue: HyStart (Ha and Rhee, "Taming the elephants: New TCP slow
//! start", Computer Networks 55(9), 2011) as Linux has it in CUBIC (`net/ipv4/tcp_cubic.c`,
//! `hystart_update()`).
//!
//! Two signs end it. Round trips grow, by an eighth and at least 4 ms: a queue builds up. Or the
//! acknowledgements of a round come one close behind the other for half of the least round trip: the window
//! is as much as the path holds. Jitter looks like the first, now and then, and is why a download over radio
//! starts slowly.

use std::time::Duration;

/// Below so many segments nothing is looked for (`hystart_low_window`).
const LOW_WINDOW: f64 = 16.0;
/// What comes within so long belongs to one train (`hystart_ack_delta_us`).
const TRAIN_GAP: Duration = Duration::from_millis(2);
/// As many round trips of a round must be known (`HYSTART_MIN_SAMPLES`).
const LEAST_SAMPLES: u32 = 8;
/// The bounds of the growth that matters (`HYSTART_DELAY_MIN` and `_MAX`).
const LEAST_GROWTH: Duration = Duration::from_millis(4);
const MOST_GROWTH: Duration = Duration::from_millis(16);
/// What a burst of four times 64 KiB takes at the sender's own pace is allowed for, up to a millisecond
/// (`hystart_ack_delay()`).
const BURST: f64 = 4.0 * 65_536.0;
const MOST_BURST: f64 = 1e-3;

/// What one acknowledgement tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub(super) at: Duration,
    pub(super) round_trip: Duration,
    /// How many segments had been delivered when this one was sent, and are now: a round ends with what was
    /// sent after it began.
    pub(super) delivered_before: u64,
    pub(super) delivered: u64,
    /// Bytes a second, at which the sender would pace itself.
    pub(super) pace: f64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct HyStart {
    least: Option<Duration>,
    round_began: Duration,
    round_end: u64,
    last: Duration,
    /// The least of this round, and of how many.
    current: Option<Duration>,
    samples: u32,
    /// Whether the segment before this one has no acknowledgement of its own.
    delayed: bool,
}

impl HyStart {
    /// Whether slow start ends here.
    pub(super) fn hears(&mut self, window: f64, heard: &Heard) -> bool {
        let Heard { at, round_trip, .. } = *heard;
        if heard.delivered_before >= self.round_end {
            self.round_began = at;
            self.last = at;
            self.round_end = heard.delivered;
            self.current = None;
            self.samples = 0;
        }
        // Every second segment is acknowledged (RFC 1122, 4.2.3.2). Windows do not mind, as they count
        // segments; but eight acknowledgements that come to two bursts say less of the path than eight of one.
        self.delayed = !self.delayed;
        if self.delayed {
            return false;
        }
        let least = self.least.map_or(round_trip, |least| least.min(round_trip));
        self.least = Some(least);
        if window < LOW_WINDOW {
            return false;
        }
        if at.saturating_sub(self.last) <= TRAIN_GAP {
            self.last = at;
            let burst = Duration::from_secs_f64((BURST / heard.pace.max(1.0)).min(MOST_BURST));
            if at.saturating_sub(self.round_began) > (least + burst) / 2 {
                return true;
            }
        }
        let current = self.current.map_or(round_trip, |current| current.min(round_trip));
        self.current = Some(current);
        if self.samples < LEAST_SAMPLES {
            self.samples += 1;
            return false;
        }
        current > least + (least / 8).clamp(LEAST_GROWTH, MOST_GROWTH)
    }

    /// The round is over: a timeout has come.
    pub(super) fn restart(&mut self) {
        self.round_end = 0;
    }
}
