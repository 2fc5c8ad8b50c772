//! Other addresses and ports, as address translators put into packets (RFC 3022, RFC 5508).

use std::net::{IpAddr, SocketAddr};

use crate::checksum::{Sum, never_zero, updated};
use crate::layout::{Extent, Version};
use crate::transport::{ICMP_HEADER, IcmpKind, Transport};
use crate::vnet::Checksum;
use crate::wire::{be16, set_be16};
use crate::{Malformed, PacketMut, Protocol};

/// Which end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// Where the packet comes from.
    Source,
    /// Where it goes.
    Destination,
}

/// Why a packet cannot be rewritten. It is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// An IPv4 packet has no place for an IPv6 address, and the other way round.
    #[error("rewrite address: {to} is not of the packet's family, {version:?}")]
    Family {
        /// The new address.
        to: IpAddr,
        /// What the packet is.
        version: Version,
    },
    /// There is nothing quoted.
    #[error("rewrite quoted packet: it is no ICMP error")]
    NotAnError,
    /// What is quoted is no packet.
    #[error("rewrite quoted packet: {0}")]
    Quoted(#[from] Malformed),
}

/// Where a word stands, seen from the transport's header.
type Place = usize;

impl PacketMut<'_> {
    /// Puts another address and port at one end, and keeps the checksums of IPv4, TCP, UDP, ICMP and
    /// ICMPv6 up to date. The identifier of a ping stands in for a port, as in
    /// [`FiveTuple`](crate::FiveTuple). Where there is neither (later fragments, ICMP errors, other
    /// protocols), only the address changes.
    ///
    /// `checksum` says whether the transport's is complete, as the packet's
    /// [`VnetHeader`](crate::VnetHeader) has it: a partial one covers the addresses alone.
    ///
    /// # Errors
    /// The address is of the other family.
    pub fn rewrite(&mut self, end: End, to: SocketAddr, checksum: Checksum) -> Result<(), RewriteError> {
        let version = self.layout.version;
        match (version, to.ip()) {
            (Version::V4, IpAddr::V4(address)) => {
                let at = if end == End::Source { 12 } else { 16 };
                self.address(at, &address.octets(), checksum);
            }
            (Version::V6, IpAddr::V6(address)) => {
                let at = if end == End::Source { 8 } else { 24 };
                self.address(at, &address.octets(), checksum);
            }
            (_, to) => return Err(RewriteError::Family { to, version }),
        }
        if let Some(place) = self.port_place(end) {
            let at = self.layout.header_len + place;
            let old = be16(self.bytes, at);
            set_be16(self.bytes, at, to.port());
            if !matches!(checksum, Checksum::Partial { .. }) {
                self.cover(old, to.port(), Checksum::Complete);
            }
        }
        Ok(())
    }

    /// Puts another address and port at one end of the packet that this ICMP error quotes (RFC 5508,
    /// section 4.2), and keeps the checksums of both up to date, as far as they are there.
    ///
    /// # Errors
    /// It is no ICMP error, what it quotes is no packet, or the address is of the other family.
    pub fn rewrite_quoted(&mut self, end: End, to: SocketAddr) -> Result<(), RewriteError> {
        let is_error = matches!(self.as_packet().transport(),
            Transport::Icmp(icmp) if icmp.kind() == IcmpKind::Error);
        if !is_error {
            return Err(RewriteError::NotAnError);
        }
        let (_, message) = self.bytes.split_at_mut(self.layout.header_len);
        let quote = &mut message[ICMP_HEADER..];
        let before = Sum::default().bytes(quote).fold();
        PacketMut::new(quote, Extent::Quoted)?.rewrite(end, to, Checksum::Complete)?;
        let after = Sum::default().bytes(quote).fold();
        set_be16(message, 2, updated(be16(message, 2), before, after));
        Ok(())
    }

    fn address(&mut self, at: usize, octets: &[u8], checksum: Checksum) {
        for (index, word) in octets.as_chunks::<2>().0.iter().enumerate() {
            let at = at + index * 2;
            let (old, new) = (be16(self.bytes, at), u16::from_be_bytes(*word));
            match self.layout.version {
                Version::V4 => self.change_v4(at, new),
                Version::V6 => set_be16(self.bytes, at, new),
            }
            // ICMP for IPv4 has no pseudo-header.
            if self.layout.protocol != Protocol::ICMP {
                self.cover(old, new, checksum);
            }
        }
    }

    /// Where the port is, or the identifier of a ping in its place.
    fn port_place(&self, end: End) -> Option<Place> {
        let packet = self.as_packet();
        match self.layout.protocol {
            Protocol::TCP | Protocol::UDP => {
                packet.ports()?;
                Some(if end == End::Source { 0 } else { 2 })
            }
            _ => match (packet.transport(), end) {
                (Transport::Icmp(icmp), End::Source) => {
                    matches!(icmp.kind(), IcmpKind::EchoRequest(_)).then_some(4)
                }
                (Transport::Icmp(icmp), End::Destination) => {
                    matches!(icmp.kind(), IcmpKind::EchoReply(_)).then_some(4)
                }
                _ => None,
            },
        }
    }

    /// Notes in the transport's checksum that a word which it covers has changed.
    fn cover(&mut self, old: u16, new: u16, checksum: Checksum) {
        let place = match self.layout.protocol {
            _ if self.layout.is_later_fragment() => return,
            Protocol::TCP => 16,
            Protocol::UDP => 6,
            Protocol::ICMP | Protocol::ICMPV6 => 2,
            _ => return,
        };
        let at = self.layout.header_len + place;
        if at + 2 > self.bytes.len() {
            // Of a quote the checksum may be cut off.
            return;
        }
        let before = be16(self.bytes, at);
        let after = match (checksum, self.layout.protocol) {
            // A partial one is a sum, and not its complement.
            (Checksum::Partial { .. }, _) => !updated(!before, old, new),
            (_, Protocol::UDP) if before == 0 => 0,
            (_, Protocol::UDP) => never_zero(updated(before, old, new)),
            _ => updated(before, old, new),
        };
        set_be16(self.bytes, at, after);
    }
}
