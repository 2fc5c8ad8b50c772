//! What passes between a stream and the carrier that puts its segments on a link.

use std::time::Duration;

use crate::packet::Delivery;

/// The payload of a full segment: Ethernet's 1500 bytes without 40 of IPv4 and TCP and 12 of
/// timestamps.
pub const MSS: u32 = 1448;

/// The most bytes of a train: what a stack sends at once for a network card to cut (TSO), which has an
/// IP packet's length.
pub const LONGEST_TRAIN: u32 = 45 * MSS;

/// How many segments so many bytes are.
pub(super) fn segments(bytes: u32) -> u32 {
    bytes.div_ceil(MSS).max(1)
}

/// One transmission of one segment, to be kept with the parcel that carries it through the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Which segment of the stream, from 0 on.
    pub(super) index: u64,
    /// Which transmission of the stream, from 0 on: a segment that is sent again has a new one.
    pub(super) number: u64,
    /// Its bytes.
    pub(super) len: u32,
}

impl Segment {
    /// Which segment of the stream it is, from 0 on: the same each time it is sent again.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many bytes it takes on the link.
    #[must_use]
    pub fn bytes(self) -> u32 {
        self.len
    }

    /// One that belongs to no stream: it passes the link, and nobody takes it in.
    #[must_use]
    pub fn stray(len: u32) -> Self {
        let (index, number) = (u64::MAX, u64::MAX);
        Self { index, number, len }
    }

    pub(super) fn is_stray(self) -> bool {
        self.index == u64::MAX
    }
}

/// What the link did to a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It has arrived.
    Delivered,
    /// It has arrived with a CE mark (RFC 3168).
    Marked,
    /// It has not.
    Lost,
}

impl<P> From<&Delivery<P>> for Fate {
    fn from(delivery: &Delivery<P>) -> Self {
        match (delivery.lost, delivery.ce) {
            (true, _) => Self::Lost,
            (false, true) => Self::Marked,
            (false, false) => Self::Delivered,
        }
    }
}

/// Whether the sender has bytes that it has not sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supply {
    /// It has.
    Waiting,
    /// It has none.
    Empty,
}

/// A segment that the sender may put on the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Since when it may, if its bytes had been waiting. A carrier that wakes late offers the segment
    /// to the link at this time, or when the bytes came, if that was later.
    pub at: Duration,
    /// New bytes, or lost ones.
    pub cargo: Cargo,
}

/// What a segment carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cargo {
    /// At most so many new bytes.
    New(u32),
    /// So many bytes that have been sent before: the carrier offers a parcel of this length, which
    /// takes up the link once more, but no bytes of its own.
    Again(u32),
}
