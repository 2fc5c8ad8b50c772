//! A packet that is changed in place.

use crate::checksum::updated;
use crate::layout::{Extent, Layout, Malformed, Version};
use crate::wire::{be16, set_be16};
use crate::{Ecn, Packet};

/// An IP packet whose fields can be changed. Each change keeps the checksums that cover it up to date;
/// one that was wrong stays wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct PacketMut<'a> {
    pub(crate) bytes: &'a mut [u8],
    pub(crate) layout: Layout,
}

/// What became of a packet's time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// It may go on, with so many hops left.
    Left(u8),
    /// It may not: it is over, or would be (RFC 1812, section 5.3.1; RFC 8200, section 3). The packet
    /// is as it came, so that an ICMP error can quote it.
    Expired,
}

impl<'a> PacketMut<'a> {
    /// Reads a packet. Bytes beyond its end are left out.
    ///
    /// # Errors
    /// They are no IPv4 or IPv6 packet, or not all of one.
    pub fn parse(bytes: &'a mut [u8]) -> Result<Self, Malformed> {
        Self::new(bytes, Extent::Whole)
    }

    pub(crate) fn new(bytes: &'a mut [u8], extent: Extent) -> Result<Self, Malformed> {
        let layout = Layout::of(bytes, extent)?;
        let bytes = &mut bytes[..layout.len];
        Ok(Self { bytes, layout })
    }

    /// The packet as it is now.
    #[must_use]
    pub fn as_packet(&self) -> Packet<'_> {
        Packet::from_layout(self.bytes, self.layout)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// Marks it: congestion was experienced (RFC 3168, section 5). Says whether it is marked now: a
    /// packet whose sender does not understand marks is left as it is.
    pub fn mark_ce(&mut self) -> bool {
        let class = self.as_packet().traffic_class();
        if !Ecn::of_traffic_class(class).is_capable() {
            return false;
        }
        let marked = class | 3;
        match self.layout.version {
            Version::V4 => self.change_v4(0, u16::from_be_bytes([self.bytes[0], marked])),
            Version::V6 => self.bytes[1] = (self.bytes[1] & 0x0F) | (marked << 4),
        }
        true
    }

    /// Takes one hop from its time to live.
    pub fn decrement_ttl(&mut self) -> Ttl {
        let ttl = self.as_packet().ttl();
        if ttl <= 1 {
            return Ttl::Expired;
        }
        self.set_ttl(ttl - 1);
        Ttl::Left(ttl - 1)
    }

    pub(crate) fn set_ttl(&mut self, ttl: u8) {
        match self.layout.version {
            Version::V4 => self.change_v4(8, u16::from_be_bytes([ttl, self.bytes[9]])),
            Version::V6 => self.bytes[7] = ttl,
        }
    }

    /// Changes a word of an IPv4 header, and its checksum with it.
    pub(crate) fn change_v4(&mut self, at: usize, new: u16) {
        let old = be16(self.bytes, at);
        set_be16(self.bytes, at, new);
        let checksum = updated(be16(self.bytes, 10), old, new);
        set_be16(self.bytes, 10, checksum);
    }
}

/// Flips one bit of a packet, counted from the least significant of its first byte, and no checksum
/// with it. One flipped bit never goes unseen by the checksum that covers it. What is not covered (a
/// hop limit of IPv6, UDP without a checksum) arrives corrupted.
///
/// The checksum must be complete: see [`VnetHeader::complete_checksum`](crate::VnetHeader). Says
/// whether there is such a bit.
pub fn flip_bit(bytes: &mut [u8], bit: u64) -> bool {
    let byte = usize::try_from(bit / 8).ok().and_then(|at| bytes.get_mut(at));
    match byte {
        None => false,
        Some(byte) => {
            *byte ^= 1 << (bit % 8);
            true
        }
    }
}
