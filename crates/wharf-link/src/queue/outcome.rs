//! What a queue is told and what it says.

use std::time::Duration;

use crate::packet::{Cause, Packet};

/// An amount of traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// How many packets.
    pub packets: usize,
    /// How many bytes they are.
    pub bytes: u64,
}

impl Load {
    /// Nothing.
    pub const NONE: Self = Self { packets: 0, bytes: 0 };

    /// One packet.
    #[must_use]
    pub fn of(packet: &impl Packet) -> Self {
        Self {
            packets: 1,
            bytes: packet.len() as u64,
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            bytes: self.bytes + other.bytes,
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            packets: self.packets - other.packets,
            bytes: self.bytes - other.bytes,
        }
    }
}

/// What became of a packet that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a packet that was refused is handed back"]
pub enum Pushed<P> {
    /// It waits for its turn.
    Queued,
    /// It does not, for this reason: it is lost, or, where the machine pushes back, it may be
    /// offered again when there is room.
    Refused(P, Cause),
}

/// A packet that had been queued and was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost<P> {
    /// The packet.
    pub packet: P,
    /// Since when it had waited.
    pub since: Duration,
    /// Why it was dropped.
    pub cause: Cause,
}

/// A packet whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Popped<P> {
    /// The packet.
    pub packet: P,
    /// Since when it had waited.
    pub since: Duration,
    /// What the discipline says of it.
    pub verdict: Verdict,
}

/// What a discipline says of a packet whose turn it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: send it on.
    #[default]
    Forward,
    /// Send it on with a congestion mark (RFC 3168, CE).
    Mark,
    /// A network would have dropped it. Only said of a stream, of which nothing can be dropped:
    /// send it on, and let the model of its sender see a loss.
    Drop,
}
