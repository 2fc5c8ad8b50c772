//! Cutting in software what the sender's kernel left for hardware to cut: TCP segmentation offload and
//! UDP segmentation offload (the kernel's `tcp_gso_segment` and `__udp_gso_segment`).
//!
//! Each piece is made of the headers and its part of the data, written once into the caller's buffer:
//!
//! | field | in each piece |
//! | --- | --- |
//! | IPv4 identification | one more than in the piece before (`inet_gso_segment`) |
//! | lengths, IPv4 checksum, transport checksum | its own |
//! | TCP sequence number | that of its first byte |
//! | FIN, PSH | in the last alone: they belong to the last byte |
//! | CWR | in the first alone: one answer to one mark (RFC 3168, section 6.1.2) |

use crate::checksum::{Sum, never_zero};
use crate::layout::Version;
use crate::transport::{TcpFlags, Transport, UDP_HEADER};
use crate::vnet::{Checksum, Gso, VnetHeader};
use crate::wire::{be16, be32, len16, set_be16, set_be32};
use crate::{Malformed, Packet};

/// Why a packet cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// It is no packet.
    #[error("segment: {0}")]
    Malformed(#[from] Malformed),
    /// Its header does not speak of it.
    #[error("segment: its header says {said:?}, and it carries {carries} or a fragment of it")]
    Mismatch {
        /// What the header says.
        said: Gso,
        /// What there is.
        carries: crate::Protocol,
    },
    /// Pieces of no bytes.
    #[error("segment: pieces of 0 bytes were asked for")]
    Size,
}

/// The caller's buffer does not take what is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write packet: it has {need} bytes, and the buffer takes {have}")]
pub struct TooSmall {
    /// How long the packet is.
    pub need: usize,
    /// How long the buffer is.
    pub have: usize,
}

/// Which transport is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Udp(UdpChecksum),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UdpChecksum {
    Wanted,
    LeftOut,
}

/// The pieces of a packet, one after another.
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    packet: Packet<'a>,
    kind: Kind,
    /// IP's and the transport's headers.
    headers: &'a [u8],
    payload: &'a [u8],
    /// The pseudo-header's sum, but for the length: all else is the same in each piece.
    pseudo: Sum,
    size: usize,
    index: usize,
}

impl<'a> Segments<'a> {
    /// The pieces that the header says a packet is to be cut into. A packet that is not to be cut, or
    /// whose data fit into one piece, is one piece; the checksum is completed.
    ///
    /// # Errors
    /// The bytes are no packet, or not of the kind that the header says.
    pub fn new(bytes: &'a [u8], header: &VnetHeader) -> Result<Self, SegmentError> {
        let packet = Packet::parse(bytes)?;
        let mismatch = SegmentError::Mismatch {
            said: header.gso,
            carries: packet.protocol(),
        };
        if packet.fragment().is_some() {
            return Err(mismatch);
        }
        let (kind, transport_len) = match (header.gso, packet.version(), packet.transport()) {
            (Gso::TcpV4, Version::V4, Transport::Tcp(tcp))
            | (Gso::TcpV6, Version::V6, Transport::Tcp(tcp)) => (Kind::Tcp, tcp.header_len()),
            (Gso::UdpL4, version, Transport::Udp(udp)) => {
                let partial = matches!(header.checksum, Checksum::Partial { .. });
                let left_out = version == Version::V4 && !partial && udp.checksum() == 0;
                let checksum = if left_out {
                    UdpChecksum::LeftOut
                } else {
                    UdpChecksum::Wanted
                };
                (Kind::Udp(checksum), UDP_HEADER)
            }
            _ => return Err(mismatch),
        };
        if header.gso_size == 0 {
            return Err(SegmentError::Size);
        }
        let (headers, payload) = packet.bytes().split_at(packet.header_len() + transport_len);
        Ok(Self {
            packet,
            kind,
            headers,
            payload,
            pseudo: packet.pseudo_header(0),
            size: usize::from(header.gso_size),
            index: 0,
        })
    }

    /// How many pieces there are in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.payload.len().div_ceil(self.size).max(1)
    }

    /// How long the next piece is, with all headers. None: there are no more.
    #[must_use]
    pub fn next_len(&self) -> Option<usize> {
        Some(self.headers.len() + self.next_payload()?.len())
    }

    fn next_payload(&self) -> Option<&'a [u8]> {
        if self.index >= self.count() {
            return None;
        }
        let start = self.index * self.size;
        Some(&self.payload[start..self.payload.len().min(start + self.size)])
    }

    /// Writes the next piece and says how long it is. None: there are no more.
    ///
    /// # Errors
    /// The buffer does not take it. It may be asked for again.
    pub fn write_next(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, TooSmall> {
        let Some(payload) = self.next_payload() else {
            return Ok(None);
        };
        let need = self.headers.len() + payload.len();
        let have = buffer.len();
        let piece = buffer.get_mut(..need).ok_or(TooSmall { need, have })?;
        piece[..self.headers.len()].copy_from_slice(self.headers);
        piece[self.headers.len()..].copy_from_slice(payload);
        let (ip, transport) = piece.split_at_mut(self.packet.header_len());
        self.finish_ip(ip, transport.len());
        let pseudo = self.pseudo.word(len16(transport.len()));
        match self.kind {
            Kind::Tcp => self.finish_tcp(transport, pseudo),
            Kind::Udp(checksum) => finish_udp(transport, pseudo, checksum),
        }
        self.index += 1;
        Ok(Some(need))
    }

    fn finish_ip(&self, ip: &mut [u8], transport_len: usize) {
        match self.packet.version() {
            Version::V4 => {
                let id = be16(ip, 4).wrapping_add(len16(self.index));
                set_be16(ip, 2, len16(ip.len() + transport_len));
                set_be16(ip, 4, id);
                finish_ipv4(ip);
            }
            Version::V6 => {
                let extensions = ip.len() - crate::layout::IPV6_HEADER;
                set_be16(ip, 4, len16(extensions + transport_len));
            }
        }
    }

    fn finish_tcp(&self, tcp: &mut [u8], pseudo: Sum) {
        let seq = be32(tcp, 4).wrapping_add(u32::try_from(self.index * self.size).unwrap_or(u32::MAX));
        set_be32(tcp, 4, seq);
        let mut flags = TcpFlags(tcp[13]);
        if self.index > 0 {
            flags = flags.without(TcpFlags::CWR);
        }
        if self.index + 1 < self.count() {
            flags = flags.without(TcpFlags::FIN).without(TcpFlags::PSH);
        }
        tcp[13] = flags.0;
        set_be16(tcp, 16, 0);
        set_be16(tcp, 16, pseudo.bytes(tcp).checksum());
    }
}

fn finish_udp(udp: &mut [u8], pseudo: Sum, checksum: UdpChecksum) {
    set_be16(udp, 4, len16(udp.len()));
    set_be16(udp, 6, 0);
    if checksum == UdpChecksum::Wanted {
        set_be16(udp, 6, never_zero(pseudo.bytes(udp).checksum()));
    }
}

/// Puts the checksum of an IPv4 header into it.
pub(crate) fn finish_ipv4(header: &mut [u8]) {
    set_be16(header, 10, 0);
    set_be16(header, 10, Sum::default().bytes(header).checksum());
}
