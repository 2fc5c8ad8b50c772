//! Packets that would have carried what was seen: a relay sees bytes, an analyser wants packets.
//!
//! A [`Conversation`] is one TCP connection. It is told what happened and when, and hands on IP
//! packets with true times, right sequence and acknowledgement numbers and right checksums. What
//! cannot be known is plain: every segment is acknowledged at the instant it was seen, there are no
//! retransmissions, and a segment is as large as loopback's, not as the network's that a link models.

mod ip;
mod tcp;
mod udp;

pub use tcp::{Conversation, LARGEST_SEGMENT};
pub use udp::Datagrams;

use crate::direction::Direction;

/// A packet that has been made up: headers, and the payload as it was given.
#[derive(Debug, Clone, Copy)]
pub struct Synthetic<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The IP and the transport header.
    pub header: &'a [u8],
    /// What it carries.
    pub payload: &'a [u8],
}
