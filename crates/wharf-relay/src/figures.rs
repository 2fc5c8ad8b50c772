//! What a path may hold, by its conditions: how large a parcel is, and how much may be under way.

use std::time::Duration;

use wharf_link::{Conditions, QueueLimit, Rate};

/// One MSS: Ethernet's 1500 bytes without 40 of IPv4 and TCP and 12 of timestamps.
pub(crate) const SEGMENT: usize = 1448;

/// The largest parcel, as the largest burst that a TCP stack sends at once (GSO).
const LARGEST: usize = 64 * 1024;

/// What one direction of one connection may have under way where there is no rate: what a Linux
/// sender has at most by default (the third of `tcp_wmem`).
const WINDOW: usize = 4 << 20;

/// The least window.
const LEAST_WINDOW: usize = 128 * 1024;

/// The largest. Ten gigabits a second over 50 ms.
const MOST_WINDOW: usize = 64 << 20;

/// How many parcels one direction of a connection may have under way at the least, whatever its window.
const PARCELS: usize = 8192;

/// The sum of all that lies one behind the other on a path.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// The lowest rate.
    rate: Option<Rate>,
    /// The time under way, but for jitter.
    latency: Duration,
    /// The longest time under way.
    delay: Duration,
    /// What the queues hold, in bytes.
    queues: u64,
    /// The window, where one is given.
    window: Option<u64>,
}

impl Figures {
    pub(crate) fn of(conditions: &Conditions) -> Self {
        // Four standard deviations: nearly all of a normal distribution, all of a uniform one.
        let jitter = conditions
            .jitter
            .as_ref()
            .map_or(Duration::ZERO, |jitter| jitter.spread * 4);
        let rate = conditions.mean_rate();
        let queues = match conditions.queue_limit() {
            None => 0,
            Some(QueueLimit::Bytes(limit)) => limit.bytes(),
            Some(QueueLimit::Packets(count)) => u64::from(count) * parcel(rate) as u64,
        };
        Self {
            rate,
            latency: conditions.latency.duration(),
            delay: conditions.latency.duration() + jitter,
            queues,
            window: conditions.stream.window.map(|window| window.bytes()),
        }
    }

    /// This and then that.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            rate: self.rate.into_iter().chain(other.rate).min(),
            latency: self.latency.saturating_add(other.latency),
            delay: self.delay.saturating_add(other.delay),
            queues: self.queues.saturating_add(other.queues),
            window: self.window.or(other.window),
        }
    }

    /// The time under way, but for jitter.
    pub(crate) fn latency(&self) -> Duration {
        self.latency
    }

    /// The largest parcel.
    pub(crate) fn parcel(&self) -> usize {
        parcel(self.rate)
    }

    /// How many parcels one direction of a connection may have under way: its window in whole segments.
    /// Bytes are bounded by the window; this bounds a sender of single bytes.
    pub(crate) fn parcels(&self) -> usize {
        PARCELS.max(self.window() / SEGMENT)
    }

    /// What one connection may have between its two sockets: what is under way, and in queues no more
    /// than as much again or a window without a rate, whichever is more. What fills larger queues is
    /// many connections.
    pub(crate) fn window(&self) -> usize {
        if let Some(window) = self.window {
            let window = usize::try_from(window).unwrap_or(usize::MAX);
            return window.clamp(LEAST_WINDOW, MOST_WINDOW);
        }
        let Some(rate) = self.rate else {
            return WINDOW;
        };
        let flight = rate.bytes_in(self.delay);
        let queues = self.queues.min(flight.max(WINDOW as u64));
        let window = usize::try_from(queues.saturating_add(flight)).unwrap_or(usize::MAX);
        window.clamp(LEAST_WINDOW, MOST_WINDOW)
    }
}

/// One MSS; at rates where that is many a millisecond, what passes in 100 µs, which keeps the event
/// loop from waking for each.
fn parcel(rate: Option<Rate>) -> usize {
    match rate {
        None => LARGEST,
        Some(rate) => {
            let bytes = rate.bytes_in(Duration::from_micros(100));
            usize::try_from(bytes).map_or(LARGEST, |bytes| bytes.clamp(SEGMENT, LARGEST))
        }
    }
}
