//! Errors, which quote the packet that they are about.
//!
//! ```text
//!  IP header │ type code checksum │ unused, or the MTU │ the packet, as much as fits
//! ```
//!
//! An ICMP error has at most 576 bytes (RFC 1812, section 4.3.2.3), an ICMPv6 error at most 1280 (RFC
//! 4443, section 2.4 (c)), so that no link needs to cut it.

use std::net::IpAddr;

use super::echo::HOST_TTL;
use super::refusal::{self, Refusal};
use crate::checksum::Sum;
use crate::layout::{IPV4_HEADER, IPV6_HEADER};
use crate::segment::{TooSmall, finish_ipv4};
use crate::transport::ICMP_HEADER;
use crate::wire::{len16, set_be16, set_be32};
use crate::{Packet, Protocol};

/// A buffer of so many bytes takes every error.
pub const LONGEST: usize = LONGEST_V6;
const LONGEST_V4: usize = 576;
const LONGEST_V6: usize = 1280;

/// Precedence "internetwork control" (RFC 1812, section 4.3.2.5).
const INTERNETWORK_CONTROL: u8 = 0xC0;

/// What went wrong with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// Its time to live was over at a router: what traceroute lives from.
    TimeExceeded,
    /// It is longer than the next link takes and may not be cut: fragmentation needed (RFC 1191), or
    /// packet too big. What path-MTU discovery lives from.
    TooBig {
        /// How many bytes the link takes.
        mtu: u32,
    },
    /// No route leads there.
    NetworkUnreachable,
    /// There is no such host.
    HostUnreachable,
    /// Nobody has that port.
    PortUnreachable,
    /// A firewall forbids it.
    Prohibited,
}

impl Problem {
    /// Type, code, and the four bytes after the checksum (RFC 792, 1191, 1812 section 5.2.7.1).
    fn v4(self) -> (u8, u8, u32) {
        match self {
            Self::TimeExceeded => (11, 0, 0),
            // The field has 16 bits.
            Self::TooBig { mtu } => (3, 4, mtu.min(0xFFFF)),
            Self::NetworkUnreachable => (3, 0, 0),
            Self::HostUnreachable => (3, 1, 0),
            Self::PortUnreachable => (3, 3, 0),
            Self::Prohibited => (3, 13, 0),
        }
    }

    /// The same of ICMPv6 (RFC 4443, section 3).
    fn v6(self) -> (u8, u8, u32) {
        match self {
            Self::TimeExceeded => (3, 0, 0),
            Self::TooBig { mtu } => (2, 0, mtu),
            Self::NetworkUnreachable => (1, 0, 0),
            Self::HostUnreachable => (1, 3, 0),
            Self::PortUnreachable => (1, 4, 0),
            Self::Prohibited => (1, 1, 0),
        }
    }
}

/// Writes the error that `from` sends to the sender of a packet, and says how long it is.
///
/// It is not fragmented and needs no identification (RFC 6864, section 4). How many errors are sent is
/// bounded by an [`ErrorBudget`](crate::ErrorBudget), beside this.
///
/// # Errors
/// No error may be sent about this packet; or the address or the buffer do not fit. A buffer of
/// [`LONGEST`] bytes does.
pub fn error(
    about: &Packet<'_>,
    problem: Problem,
    from: IpAddr,
    buffer: &mut [u8],
) -> Result<usize, Refusal> {
    refusal::check(about, problem)?;
    let to = about.source();
    let (header_len, longest, protocol, (kind, code, rest)) = match (from, to) {
        (IpAddr::V4(_), IpAddr::V4(_)) => (IPV4_HEADER, LONGEST_V4, Protocol::ICMP, problem.v4()),
        (IpAddr::V6(_), IpAddr::V6(_)) => (IPV6_HEADER, LONGEST_V6, Protocol::ICMPV6, problem.v6()),
        _ => return Err(Refusal::Family(from)),
    };
    let room = longest - header_len - ICMP_HEADER;
    let quote = &about.bytes()[..about.bytes().len().min(room)];
    let need = header_len + ICMP_HEADER + quote.len();
    let have = buffer.len();
    let packet = buffer.get_mut(..need).ok_or(TooSmall { need, have })?;
    let (header, message) = packet.split_at_mut(header_len);
    message[..ICMP_HEADER].copy_from_slice(&[kind, code, 0, 0, 0, 0, 0, 0]);
    set_be32(message, 4, rest);
    message[ICMP_HEADER..].copy_from_slice(quote);
    let sum = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            const DONT_FRAGMENT: [u8; 2] = [0x40, 0];
            header.fill(0);
            header[0] = 0x45;
            header[1] = INTERNETWORK_CONTROL;
            set_be16(header, 2, len16(need));
            header[6..8].copy_from_slice(&DONT_FRAGMENT);
            header[8] = HOST_TTL;
            header[9] = protocol.0;
            header[12..16].copy_from_slice(&from.octets());
            header[16..20].copy_from_slice(&to.octets());
            finish_ipv4(header);
            Sum::default()
        }
        (from, to) => {
            header.fill(0);
            header[0] = 0x60;
            set_be16(header, 4, len16(message.len()));
            header[6] = protocol.0;
            header[7] = HOST_TTL;
            for (at, address) in [(8, from), (24, to)] {
                if let IpAddr::V6(address) = address {
                    header[at..at + 16].copy_from_slice(&address.octets());
                }
            }
            Sum::default().pseudo_header(from, to, protocol, message.len())
        }
    };
    set_be16(message, 2, sum.bytes(message).checksum());
    Ok(need)
}
