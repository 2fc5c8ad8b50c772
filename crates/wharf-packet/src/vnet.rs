//! The header that a TUN device puts before each packet when it is asked to (`IFF_VNET_HDR`): what is
//! still to be done with it (`struct virtio_net_hdr` in the kernel's `include/uapi/linux/virtio_net.h`;
//! VIRTIO 1.2, section 5.1.6).
//!
//! ```text
//!  0       1          2       4          6            8             10 (12)
//!  ├ flags ┼ gso type ┼ header┼ gso size ┼ csum start ┼ csum offset ┤ (buffers)
//!          │          │ length│          │            │
//! ```

use crate::checksum::{Sum, never_zero};
use crate::wire::set_be16;

/// The flag that the checksum is not complete yet.
const NEEDS_CSUM: u8 = 1;
/// The flag that the checksum is known to be right.
const DATA_VALID: u8 = 2;
/// The bit of the gso type that says that the first segment alone has CWR.
const GSO_ECN: u8 = 0x80;

/// What a packet is cut into, if it is one that has not been cut yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gso {
    /// It is one packet.
    #[default]
    None,
    /// Segments of TCP over IPv4.
    TcpV4,
    /// Segments of TCP over IPv6.
    TcpV6,
    /// Datagrams of UDP, each with a header of its own (`UDP_SEGMENT`).
    UdpL4,
}

/// Whether the transport's checksum is in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// It is there, or its sender left it out.
    #[default]
    Complete,
    /// It is there and was checked already.
    Verified,
    /// In its place is the folded sum of the pseudo-header. What is missing is the sum over all bytes
    /// from `start`, and the result belongs `offset` bytes behind `start`.
    Partial {
        /// Where the transport's header begins.
        start: u16,
        /// Where its checksum is, from there.
        offset: u16,
    },
}

/// What is still to be done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VnetHeader {
    /// What it is cut into.
    pub gso: Gso,
    /// Whether the first segment alone keeps CWR (`VIRTIO_NET_HDR_GSO_ECN`).
    pub ecn: bool,
    /// How many bytes of headers each piece begins with. A hint: nothing here relies on it.
    pub header_len: u16,
    /// How many bytes of data each piece has, but the last.
    pub gso_size: u16,
    /// Whether the checksum is complete.
    pub checksum: Checksum,
}

/// Why bytes are no such header, or do not fit their packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VnetError {
    /// Too short.
    #[error("read virtio-net header: it takes {len} bytes, and there are {0}", len = VnetHeader::LEN)]
    Truncated(usize),
    /// A kind of offload that was never asked for.
    #[error("read virtio-net header: gso type {0:#04x} is not known")]
    Gso(u8),
    /// The checksum would lie outside the packet.
    #[error("complete checksum: its place {place} is not in a packet of {len} bytes")]
    Place {
        /// Where it would be.
        place: usize,
        /// How long the packet is.
        len: usize,
    },
}

impl VnetHeader {
    /// How long it is.
    pub const LEN: usize = 10;
    /// How long it is with the number of buffers, which a TUN device does not use: the length that
    /// `TUNSETVNETHDRSZ` may set, and the one of virtio 1.0.
    pub const LEN_WITH_BUFFERS: usize = 12;

    /// Reads it from the first bytes. Numbers are in the machine's own order, as TUN devices have them
    /// unless told otherwise (`TUNSETVNETLE`).
    ///
    /// # Errors
    /// There are too few bytes, or the offload is of an unknown kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, VnetError> {
        let Some(&[flags, gso, h0, h1, g0, g1, s0, s1, o0, o1]) = bytes.first_chunk::<10>() else {
            return Err(VnetError::Truncated(bytes.len()));
        };
        let checksum = match flags {
            _ if flags & NEEDS_CSUM != 0 => Checksum::Partial {
                start: u16::from_ne_bytes([s0, s1]),
                offset: u16::from_ne_bytes([o0, o1]),
            },
            _ if flags & DATA_VALID != 0 => Checksum::Verified,
            _ => Checksum::Complete,
        };
        Ok(Self {
            gso: match gso & !GSO_ECN {
                0 => Gso::None,
                1 => Gso::TcpV4,
                4 => Gso::TcpV6,
                5 => Gso::UdpL4,
                _ => return Err(VnetError::Gso(gso)),
            },
            ecn: gso & GSO_ECN != 0,
            header_len: u16::from_ne_bytes([h0, h1]),
            gso_size: u16::from_ne_bytes([g0, g1]),
            checksum,
        })
    }

    /// Its bytes. For the longer form two zeros follow.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let (flags, start, offset) = match self.checksum {
            Checksum::Complete => (0, 0, 0),
            Checksum::Verified => (DATA_VALID, 0, 0),
            Checksum::Partial { start, offset } => (NEEDS_CSUM, start, offset),
        };
        let gso = match self.gso {
            Gso::None => 0,
            Gso::TcpV4 => 1,
            Gso::TcpV6 => 4,
            Gso::UdpL4 => 5,
        };
        let ecn = if self.ecn { GSO_ECN } else { 0 };
        let [h0, h1] = self.header_len.to_ne_bytes();
        let [g0, g1] = self.gso_size.to_ne_bytes();
        let [s0, s1] = start.to_ne_bytes();
        let [o0, o1] = offset.to_ne_bytes();
        [flags, gso | ecn, h0, h1, g0, g1, s0, s1, o0, o1]
    }

    /// Completes the checksum of the packet that this header is before, if it is partial, and notes it
    /// here. Needed before a bit is flipped, and before a packet is cut into fragments.
    ///
    /// # Errors
    /// The checksum would lie outside the packet, which is left as it was.
    pub fn complete_checksum(&mut self, packet: &mut [u8]) -> Result<(), VnetError> {
        let Checksum::Partial { start, offset } = self.checksum else {
            return Ok(());
        };
        let start = usize::from(start);
        let place = start + usize::from(offset);
        if place + 2 > packet.len() {
            let len = packet.len();
            return Err(VnetError::Place { place, len });
        }
        // The sum of the pseudo-header stands where the checksum goes, and is so summed with the rest.
        let checksum = Sum::default().bytes(&packet[start..]).checksum();
        set_be16(packet, place, never_zero(checksum));
        self.checksum = Checksum::Complete;
        Ok(())
    }
}
