//! The way back.

use std::collections::VecDeque;
use std::time::Duration;

/// What the receiver tells for each segment that arrives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ack {
    /// When it reaches the sender.
    pub(super) at: Duration,
    /// The first segment that has not arrived.
    pub(super) next: u64,
    /// The segment that has, and in which transmission (the timestamp that is echoed, RFC 7323).
    pub(super) index: u64,
    pub(super) number: u64,
    /// It bore a CE mark.
    pub(super) marked: bool,
}

/// As many may be under way at once. Each answers a segment, so the window bounds them anyway, but
/// for a way back that takes longer than timeouts do.
const MOST: usize = 1 << 17;

/// Acknowledgements on their way back, in order: one that would overtake comes with the one before.
#[derive(Debug, Clone, Default)]
pub(super) struct WayBack {
    acks: VecDeque<Ack>,
    last: Duration,
}

impl WayBack {
    pub(super) fn send(&mut self, mut ack: Ack) {
        ack.at = ack.at.max(self.last);
        self.last = ack.at;
        if self.acks.len() >= MOST {
            self.acks.pop_back();
        }
        self.acks.push_back(ack);
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.acks.front().map(|ack| ack.at)
    }

    pub(super) fn receive(&mut self) -> Option<Ack> {
        self.acks.pop_front()
    }
}
