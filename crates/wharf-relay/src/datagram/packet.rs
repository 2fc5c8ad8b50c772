//! A datagram as the machine sees it.

use std::net::SocketAddr;

use quinn_udp::EcnCodepoint;
use wharf_link::Packet;

use super::pool::Buffer;
use crate::key::Key;

/// A datagram under way.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) link: u32,
    pub(crate) flow: Key,
    pub(crate) bytes: Buffer,
    pub(crate) ecn: Option<EcnCodepoint>,
    /// The length of its headers on the link.
    pub(crate) headers: usize,
    /// Its place among those that were offered to the machine. A copy has none of its own.
    pub(crate) number: Option<u64>,
    /// How many machines are behind it when it comes out next, the link's own counted.
    pub(crate) hop: u32,
}

/// The length of UDP's header (RFC 768) behind IPv4's without options (RFC 791), or IPv6's (RFC 8200).
pub(crate) fn headers(client: SocketAddr) -> usize {
    match client {
        SocketAddr::V4(_) => 20 + 8,
        SocketAddr::V6(_) => 40 + 8,
    }
}

impl Packet for Datagram {
    fn len(&self) -> usize {
        self.headers + self.bytes.len()
    }

    fn flow(&self) -> u64 {
        u64::from(self.flow.index)
    }

    fn ecn(&self) -> bool {
        self.ecn.is_some()
    }
}

impl Datagram {
    /// A second one, as a network that duplicates makes it. `None`: there is no memory for it.
    pub(crate) fn copy(&self) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.copy()?,
            number: None,
            ..*self
        })
    }

    /// Flips a bit of what it carries. Whether there was one. In a real network it could be one of the
    /// headers as well, which ends in a loss; here the headers are the kernel's, and always whole.
    pub(crate) fn flip(&mut self, bit: u64) -> bool {
        let bits = self.bytes.len() as u64 * 8;
        let Some(bit) = bit.checked_rem(bits) else {
            return false;
        };
        // Less than the number of bytes, which is a usize.
        self.bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        true
    }
}
