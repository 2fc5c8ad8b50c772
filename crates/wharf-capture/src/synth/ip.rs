//! IPv4 and IPv6 headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::checksum::Checksum;

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
                    let mut sum = Checksum::default();
                    sum.add(header);
                    if let Some(place) = header.get_mut(10..12) {
                        place.copy_from_slice(&sum.finish());
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

    /// What a transport checksum covers beside the segment (RFC 9293, 3.1; RFC 8200, 8.1).
    pub(super) fn pseudo_header(&self, protocol: u8, len: usize) -> Checksum {
        let mut sum = Checksum::default();
        match self {
            Self::V4 { from, to, .. } => {
                sum.add(&from.octets());
                sum.add(&to.octets());
            }
            Self::V6 { from, to } => {
                sum.add(&from.octets());
                sum.add(&to.octets());
            }
        }
        let [high, low] = length(len);
        sum.add(&[0, protocol, high, low]);
        sum
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
