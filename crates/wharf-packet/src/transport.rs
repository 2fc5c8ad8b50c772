//! The headers behind IP's.

use crate::Protocol;
use crate::layout::{Malformed, Version};
use crate::packet::Packet;
use crate::wire::{be16, be32};

/// The length of a TCP header without options.
const TCP_HEADER: usize = 20;
/// The length of a UDP header.
pub(crate) const UDP_HEADER: usize = 8;
/// The length of what all ICMP messages begin with: type, code, checksum, and four bytes more.
pub(crate) const ICMP_HEADER: usize = 8;

/// What an IP packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport<'a> {
    /// TCP (RFC 9293).
    Tcp(Tcp<'a>),
    /// UDP (RFC 768).
    Udp(Udp<'a>),
    /// ICMP of the packet's family (RFC 792, RFC 4443).
    Icmp(Icmp<'a>),
    /// Something else.
    Other(Protocol),
    /// A fragment that is not the first: its header was in another.
    LaterFragment(Protocol),
    /// Less than a header, or one that cannot be.
    Truncated(Protocol),
}

/// A TCP segment, or the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp<'a> {
    bytes: &'a [u8],
    header_len: usize,
}

impl<'a> Tcp<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header_len = usize::from(*bytes.get(12)? >> 4) * 4;
        let fits = header_len >= TCP_HEADER && header_len <= bytes.len();
        fits.then_some(Self { bytes, header_len })
    }

    /// The sender's port.
    #[must_use]
    pub fn source_port(&self) -> u16 {
        be16(self.bytes, 0)
    }

    /// The receiver's port.
    #[must_use]
    pub fn destination_port(&self) -> u16 {
        be16(self.bytes, 2)
    }

    /// The number of its first byte.
    #[must_use]
    pub fn seq(&self) -> u32 {
        be32(self.bytes, 4)
    }

    /// The number that is awaited, where [`TcpFlags::ACK`].
    #[must_use]
    pub fn ack(&self) -> u32 {
        be32(self.bytes, 8)
    }

    /// The length of its header with options.
    #[must_use]
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// Its flags.
    #[must_use]
    pub fn flags(&self) -> TcpFlags {
        TcpFlags(self.bytes[13])
    }

    /// The window, unscaled.
    #[must_use]
    pub fn window(&self) -> u16 {
        be16(self.bytes, 14)
    }

    /// Its checksum.
    #[must_use]
    pub fn checksum(&self) -> u16 {
        be16(self.bytes, 16)
    }

    /// Its options, unread.
    #[must_use]
    pub fn options(&self) -> &'a [u8] {
        &self.bytes[TCP_HEADER..self.header_len]
    }

    /// Its data.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.header_len..]
    }
}

/// The flags of TCP (RFC 9293, section 3.1; ECE and CWR: RFC 3168).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Hand the data on at once.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);
    /// A congestion mark was seen.
    pub const ECE: Self = Self(0x40);
    /// The congestion window was reduced.
    pub const CWR: Self = Self(0x80);

    /// Whether all of these are set.
    #[must_use]
    pub fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    pub(crate) fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }
}

/// A UDP datagram, or the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp<'a> {
    bytes: &'a [u8],
}

impl<'a> Udp<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= UDP_HEADER).then_some(Self { bytes })
    }

    /// The sender's port.
    #[must_use]
    pub fn source_port(&self) -> u16 {
        be16(self.bytes, 0)
    }

    /// The receiver's port.
    #[must_use]
    pub fn destination_port(&self) -> u16 {
        be16(self.bytes, 2)
    }

    /// How long the datagram says that it is, with its header.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a field of the header, not a size")]
    pub fn len(&self) -> u16 {
        be16(self.bytes, 4)
    }

    /// Its checksum. Zero: it has none.
    #[must_use]
    pub fn checksum(&self) -> u16 {
        be16(self.bytes, 6)
    }

    /// Its data.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[UDP_HEADER..]
    }
}

/// A message of ICMP or ICMPv6, or the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    bytes: &'a [u8],
    version: Version,
}

/// What an ICMP message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpKind {
    /// A ping, with its identifier.
    EchoRequest(u16),
    /// The answer to a ping, with its identifier.
    EchoReply(u16),
    /// Something went wrong with a packet, which it quotes.
    Error,
    /// Something else: neighbours, routers, redirects.
    Other,
}

impl<'a> Icmp<'a> {
    pub(crate) fn parse(bytes: &'a [u8], version: Version) -> Option<Self> {
        (bytes.len() >= ICMP_HEADER).then_some(Self { bytes, version })
    }

    /// Its type.
    #[must_use]
    pub fn kind_number(&self) -> u8 {
        self.bytes[0]
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.bytes[1]
    }

    /// The four bytes after its checksum: an identifier and a sequence number, or an MTU.
    #[must_use]
    pub fn rest(&self) -> u32 {
        be32(self.bytes, 4)
    }

    /// What it is. ICMP's redirect counts as an error, as RFC 1122 (section 3.2.2) has it, and an
    /// ICMPv6 error is whatever has a type under 128 (RFC 4443, section 2.1).
    #[must_use]
    pub fn kind(&self) -> IcmpKind {
        let id = be16(self.bytes, 4);
        match (self.version, self.kind_number()) {
            (Version::V4, 8) | (Version::V6, 128) => IcmpKind::EchoRequest(id),
            (Version::V4, 0) | (Version::V6, 129) => IcmpKind::EchoReply(id),
            (Version::V4, 3 | 4 | 5 | 11 | 12) | (Version::V6, 0..128) => IcmpKind::Error,
            _ => IcmpKind::Other,
        }
    }

    /// What follows its first eight bytes.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[ICMP_HEADER..]
    }

    /// The packet that an error is about.
    #[must_use]
    pub fn quoted(&self) -> Option<Result<Packet<'a>, Malformed>> {
        (self.kind() == IcmpKind::Error).then(|| Packet::quoted(self.payload()))
    }
}
