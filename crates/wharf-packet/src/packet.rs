//! A packet that is read.

use std::net::IpAddr;

use crate::checksum::Sum;
use crate::layout::{Extent, Fragment, Layout, Malformed, Version};
use crate::transport::{Icmp, Tcp, Transport, UDP_HEADER, Udp};
use crate::wire::{be16, be32, ipv4, ipv6};
use crate::{Ecn, Protocol};

/// An IP packet. Copying it copies a reference and where things are.
///
/// Only what routing needs must be right for bytes to be a packet: a TCP header that makes no sense is
/// told by [`Packet::transport`], and the packet is carried on all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    layout: Layout,
}

/// What a checksum says of the bytes that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They add up.
    Right,
    /// They do not, or the checksum is still to be completed.
    Wrong,
    /// There is none, or it covers what is not here: IPv6 headers, UDP over IPv4 whose sender left it
    /// out, fragments, quotes, protocols that are not known.
    Unknown,
}

impl<'a> Packet<'a> {
    /// Reads a packet. Bytes beyond its end are left out.
    ///
    /// # Errors
    /// They are no IPv4 or IPv6 packet, or not all of one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::new(bytes, Extent::Whole)
    }

    /// Reads the beginning of a packet, as ICMP errors quote it.
    ///
    /// # Errors
    /// It does not begin with a whole IPv4 or IPv6 header.
    pub fn quoted(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::new(bytes, Extent::Quoted)
    }

    fn new(bytes: &'a [u8], extent: Extent) -> Result<Self, Malformed> {
        let layout = Layout::of(bytes, extent)?;
        Ok(Self::from_layout(&bytes[..layout.len], layout))
    }

    pub(crate) fn from_layout(bytes: &'a [u8], layout: Layout) -> Self {
        Self { bytes, layout }
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How long it says that it is. Only of a quoted packet there may be fewer bytes.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.layout.total_len
    }

    /// Which IP.
    #[must_use]
    pub fn version(&self) -> Version {
        self.layout.version
    }

    /// The length of the IP header with its options or extension headers.
    #[must_use]
    pub fn header_len(&self) -> usize {
        self.layout.header_len
    }

    /// Who sent it.
    #[must_use]
    pub fn source(&self) -> IpAddr {
        match self.version() {
            Version::V4 => ipv4(self.bytes, 12),
            Version::V6 => ipv6(self.bytes, 8),
        }
    }

    /// Where it goes.
    #[must_use]
    pub fn destination(&self) -> IpAddr {
        match self.version() {
            Version::V4 => ipv4(self.bytes, 16),
            Version::V6 => ipv6(self.bytes, 24),
        }
    }

    /// How many more routers may pass it on: the time to live of IPv4, the hop limit of IPv6.
    #[must_use]
    pub fn ttl(&self) -> u8 {
        match self.version() {
            Version::V4 => self.bytes[8],
            Version::V6 => self.bytes[7],
        }
    }

    /// What it carries, behind all extension headers. Of a quoted packet whose extension headers are
    /// cut off: the first one that is not all there.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.layout.protocol
    }

    /// DSCP and ECN: the type of service of IPv4, the traffic class of IPv6.
    #[must_use]
    pub fn traffic_class(&self) -> u8 {
        match self.version() {
            Version::V4 => self.bytes[1],
            Version::V6 => (be16(self.bytes, 0) >> 4) as u8,
        }
    }

    /// What its sender and its path say of congestion (RFC 3168).
    #[must_use]
    pub fn ecn(&self) -> Ecn {
        Ecn::of_traffic_class(self.traffic_class())
    }

    /// Whether no router may cut it into fragments. In IPv6 none ever may.
    #[must_use]
    pub fn dont_fragment(&self) -> bool {
        match self.version() {
            Version::V4 => be16(self.bytes, 6) & 0x4000 != 0,
            Version::V6 => true,
        }
    }

    /// Which part of a longer packet it is, if it is one.
    #[must_use]
    pub fn fragment(&self) -> Option<Fragment> {
        self.layout.fragment
    }

    /// What follows the IP headers.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.layout.header_len..]
    }

    /// The header that follows the IP headers.
    #[must_use]
    pub fn transport(&self) -> Transport<'a> {
        let protocol = self.protocol();
        if self.layout.is_later_fragment() {
            return Transport::LaterFragment(protocol);
        }
        let payload = self.payload();
        let read = match (protocol, self.version()) {
            (Protocol::TCP, _) => Tcp::parse(payload).map(Transport::Tcp),
            (Protocol::UDP, _) => Udp::parse(payload).map(Transport::Udp),
            (Protocol::ICMP, Version::V4) | (Protocol::ICMPV6, Version::V6) => {
                Icmp::parse(payload, self.version()).map(Transport::Icmp)
            }
            _ => return Transport::Other(protocol),
        };
        read.unwrap_or(Transport::Truncated(protocol))
    }

    /// The ports of the protocols that have two (TCP, UDP, SCTP, …), source first. They are there in
    /// every quote and in every first fragment.
    #[must_use]
    pub fn ports(&self) -> Option<[u16; 2]> {
        let payload = self.payload();
        let known = self.protocol().has_ports() && !self.layout.is_later_fragment();
        (known && payload.len() >= 4).then(|| [be16(payload, 0), be16(payload, 2)])
    }

    /// The flow label of IPv6 (RFC 6437).
    #[must_use]
    pub fn flow_label(&self) -> Option<u32> {
        (self.version() == Version::V6).then(|| be32(self.bytes, 0) & 0x000F_FFFF)
    }

    /// What the checksum of the IP header says.
    #[must_use]
    pub fn header_checksum(&self) -> Verdict {
        match self.version() {
            Version::V4 => verdict(Sum::default().bytes(&self.bytes[..self.layout.header_len])),
            Version::V6 => Verdict::Unknown,
        }
    }

    /// What the checksum of TCP, UDP, ICMP or ICMPv6 says.
    #[must_use]
    pub fn transport_checksum(&self) -> Verdict {
        let whole = self
            .layout
            .fragment
            .is_none_or(|part| part.offset == 0 && !part.more);
        if !whole || self.layout.len < self.layout.total_len {
            return Verdict::Unknown;
        }
        let payload = self.payload();
        let sum = match self.transport() {
            Transport::Udp(udp) if udp.checksum() == 0 && self.version() == Version::V4 => {
                return Verdict::Unknown;
            }
            Transport::Icmp(_) if self.version() == Version::V4 => Sum::default(),
            Transport::Udp(udp) => {
                // Padding after the datagram is no part of it; its own header is.
                let len = usize::from(udp.len());
                let datagram = payload.get(..len).filter(|_| len >= UDP_HEADER);
                let Some(datagram) = datagram else {
                    return Verdict::Wrong;
                };
                return verdict(self.pseudo_header(len).bytes(datagram));
            }
            Transport::Tcp(_) | Transport::Icmp(_) => self.pseudo_header(payload.len()),
            _ => return Verdict::Unknown,
        };
        verdict(sum.bytes(payload))
    }

    /// The sum of the pseudo-header for so many bytes behind the IP headers.
    ///
    /// Its destination is that of the IP header: that of a packet with a routing header whose segments
    /// are still left would be another (RFC 8200, section 8.1).
    pub(crate) fn pseudo_header(&self, len: usize) -> Sum {
        Sum::default().pseudo_header(self.source(), self.destination(), self.protocol(), len)
    }
}

fn verdict(sum: Sum) -> Verdict {
    if sum.checksum() == 0 {
        Verdict::Right
    } else {
        Verdict::Wrong
    }
}
