//! IPv4 and IPv6 headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_packet::{Protocol, Sum};

/// How long the longest header of both layers is: IPv6, and TCP with the options of a SYN.
pub(super) const LONGEST: usize = 40 + 32;

/// Protocol numbers.
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// The two ends of one way: an IP header is the same for all its packets but for length and number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path {
    V4 { from: Ipv4Addr, to: Ipv4Addr, sent: u16 },
    V6 { from: Ipv6Addr, to: Ipv6Addr },
}

impl Path {
    /// Where the families differ, IPv4 is written as IPv6 has it (RFC 4291, 2.5.5.2).
    pub(super) fn new(from: SocketAddr, to: SocketAddr) -> Self {
        match (from.ip().to_canonical(), to.ip().to_canonical()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => Self::V4 { from, to, sent: 0 },
            (from, to) => Self::V6 {
                from: mapped(from),
                to: mapped(to),
            },
        }
    }

    /// Appends an IP header for a transport header and payload of `len` bytes.
    pub(super) fn header(&mut self, out: &mut Vec<u8>, protocol: u8, len: usize) {
        const HOPS: u8 = 64;
        match self {
            Self::V4 { from, to, sent } => {
                const DO_NOT_FRAGMENT: u16 = 0x4000;
                *sent = sent.wrapping_add(1);
                let start = out.len();
                out.extend([0x45, 0]);
                out.extend(length(len + 20));
                out.extend(sent.to_be_bytes());
                out.extend(DO_NOT_FRAGMENT.to_be_bytes());
                out.extend([HOPS, protocol, 0, 0]);
                out.extend(from.octets());
                out.extend(to.octets());
                if let Some(header) = out.get_mut(start..) {
                    let checksum = Sum::default().bytes(header).checksum();
                    if let Some(place) = header.get_mut(10..12) {
                        place.copy_from_slice(&checksum.to_be_bytes());
                    }
                }
            }
            Self::V6 { from, to } => {
                out.extend([0x60, 0, 0, 0]);
                out.extend(length(len));
                out.extend([protocol, HOPS]);
                out.extend(from.octets());
                out.extend(to.octets());
            }
        }
    }

    /// What a transport checksum covers beside the segment.
    pub(super) fn pseudo_header(&self, protocol: u8, len: usize) -> Sum {
        let (from, to) = match *self {
            Self::V4 { from, to, .. } => (from.into(), to.into()),
            Self::V6 { from, to } => (from.into(), to.into()),
        };
        Sum::default().pseudo_header(from, to, Protocol(protocol), len)
    }
}

fn length(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes()
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}
