//! What goes into a machine and what comes out.

use std::time::Duration;

/// What a machine must know of what it carries. The machine decides; the carrier copies and marks.
pub trait Packet {
    /// How many bytes it takes on the link. Zero is allowed: it waits for what is before it and
    /// takes no time itself (a carrier's own marks, such as the end of a stream).
    fn len(&self) -> usize;

    /// Whether it takes no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which flow it belongs to, for disciplines that tell flows apart.
    fn flow(&self) -> u64 {
        0
    }

    /// Whether its sender understands ECN marks (RFC 3168).
    fn ecn(&self) -> bool {
        false
    }
}

/// What became of an offered packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a packet that was not accepted is handed back"]
pub enum Offer<P> {
    /// It is on its way.
    Accepted,
    /// The network lost it.
    Dropped(P, Cause),
    /// Not now: offer it again when there is room. Only from a machine that pushes back.
    Full(P),
    /// Longer than the link carries, with the most it does carry.
    TooBig(P, usize),
}

/// Why a packet was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The link is cut.
    Cut,
    /// The link is off, as its [`Outage`](crate::Outage) has it.
    Outage,
    /// It is longer than the link carries.
    Mtu,
    /// It was lost, as its [`Loss`](crate::Loss) has it.
    Loss,
    /// The queue is full.
    Queue,
    /// The queue's discipline found it too long.
    Aqm,
}

/// A packet that was dropped after it had been accepted: at the head of a queue that was full, or by a
/// discipline when its turn came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped<P> {
    /// The packet.
    pub packet: P,
    /// Since when it had waited.
    pub since: Duration,
    /// When it was dropped.
    pub time: Duration,
    /// Why.
    pub cause: Cause,
}

/// A packet that has arrived at the far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery<P> {
    /// The packet.
    pub packet: P,
    /// When it should have arrived. A carrier that polls late can tell by how much.
    pub ideal_time: Duration,
    /// It arrives twice: the carrier delivers a copy too.
    pub duplicate: bool,
    /// The carrier flips this bit of it, counted from the least significant of its first byte.
    pub corrupt: Option<u64>,
    /// The carrier marks it: congestion was experienced (RFC 3168). Only where [`Packet::ecn`].
    pub ce: bool,
    /// A packet would have been lost here. Only from a machine that pushes back: the carrier makes a
    /// delay of it.
    pub lost: bool,
}

impl<P> Delivery<P> {
    /// The same for another packet: for what was carried in this one, say.
    pub fn with<Q>(&self, packet: Q) -> Delivery<Q> {
        Delivery {
            packet,
            ideal_time: self.ideal_time,
            duplicate: self.duplicate,
            corrupt: self.corrupt,
            ce: self.ce,
            lost: self.lost,
        }
    }
}

/// What a machine does with a packet it has no room for, or when it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Drop it, as networks do. For packets.
    Drop,
    /// Hand it back; nothing is ever lost. For streams.
    PushBack,
}
