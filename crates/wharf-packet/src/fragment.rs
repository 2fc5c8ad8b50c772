//! Cutting an IPv4 packet into fragments for a link that does not take it whole (RFC 791, section 3.2).

use crate::layout::{IPV4_HEADER, Version};
use crate::segment::{TooSmall, finish_ipv4};
use crate::wire::{be16, len16, set_be16};
use crate::{Malformed, Packet};

/// The shortest MTU that an IPv4 link may have: the longest header, and eight bytes (RFC 791).
const LEAST_MTU: usize = 68;

/// Why a packet cannot be cut into fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FragmentError {
    /// It is no packet.
    #[error("fragment: {0}")]
    Malformed(#[from] Malformed),
    /// Its sender forbids it, as IPv6 always does: the answer is
    /// [`TooBig`](crate::icmp::Problem::TooBig).
    #[error("fragment: the packet's sender forbids it")]
    Forbidden,
    /// No IPv4 link has so short an MTU.
    #[error("fragment: an MTU of {0} bytes is under {LEAST_MTU}, which every IPv4 link carries")]
    Mtu(usize),
}

/// The fragments of a packet, one after another.
#[derive(Debug, Clone)]
pub struct Fragments<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    /// The bytes of data in each, but the last.
    size: usize,
    /// Where the packet's own data begin, if it is a fragment itself.
    base: usize,
    is_followed: bool,
    at: Option<usize>,
}

impl<'a> Fragments<'a> {
    /// Cuts a packet into fragments of at most `mtu` bytes. One that fits is one piece, unchanged.
    ///
    /// Its transport's checksum must be complete
    /// ([`VnetHeader::complete_checksum`](crate::VnetHeader::complete_checksum)), since no fragment has
    /// all that it covers.
    ///
    /// # Errors
    /// The bytes are no packet; or it does not fit, and may not be cut.
    pub fn new(bytes: &'a [u8], mtu: usize) -> Result<Self, FragmentError> {
        let packet = Packet::parse(bytes)?;
        let (header, payload) = packet.bytes().split_at(packet.header_len());
        let fits = packet.total_len() <= mtu;
        let size = match packet.version() {
            _ if fits => payload.len(),
            Version::V4 if packet.dont_fragment() => return Err(FragmentError::Forbidden),
            Version::V6 => return Err(FragmentError::Forbidden),
            Version::V4 if mtu < LEAST_MTU => return Err(FragmentError::Mtu(mtu)),
            // Offsets count eights.
            Version::V4 => (mtu - header.len()) / 8 * 8,
        };
        let fragment = packet.fragment();
        Ok(Self {
            header,
            payload,
            size,
            base: fragment.map_or(0, |fragment| fragment.offset as usize),
            is_followed: fragment.is_some_and(|fragment| fragment.more),
            at: Some(0),
        })
    }

    /// Writes the next fragment and says how long it is. None: there are no more.
    ///
    /// # Errors
    /// The buffer does not take it. It may be asked for again.
    pub fn write_next(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, TooSmall> {
        let Some(at) = self.at else {
            return Ok(None);
        };
        let end = self.payload.len().min(at + self.size);
        let data = &self.payload[at..end];
        let header_len = match at {
            0 => self.header.len(),
            _ => IPV4_HEADER + copied_options(self.header, &mut |_| {}),
        };
        let need = header_len + data.len();
        let have = buffer.len();
        let piece = buffer.get_mut(..need).ok_or(TooSmall { need, have })?;
        let (header, rest) = piece.split_at_mut(header_len);
        rest.copy_from_slice(data);
        self.write_header(header, at, end);
        self.at = (end < self.payload.len()).then_some(end);
        Ok(Some(need))
    }

    fn write_header(&self, header: &mut [u8], at: usize, end: usize) {
        if at == 0 {
            header.copy_from_slice(self.header);
            if end == self.payload.len() {
                return;
            }
        } else {
            header[..IPV4_HEADER].copy_from_slice(&self.header[..IPV4_HEADER]);
            let mut place = IPV4_HEADER;
            copied_options(self.header, &mut |option| {
                header[place..place + option.len()].copy_from_slice(option);
                place += option.len();
            });
            // End of options.
            header[place..].fill(0);
            header[0] = 0x40 | (header.len() / 4) as u8;
        }
        let more = end < self.payload.len() || self.is_followed;
        let offset = len16((self.base + at) / 8) & 0x1FFF;
        let reserved = be16(self.header, 6) & 0x8000;
        set_be16(header, 2, len16(header.len() + (end - at)));
        set_be16(header, 6, reserved | offset | if more { 0x2000 } else { 0 });
        finish_ipv4(header);
    }
}

/// Hands on each option that every fragment has (those whose first bit is set), and says how many bytes
/// they take, up to a whole word. Options that make no sense end the list.
fn copied_options<'a>(header: &'a [u8], each: &mut dyn FnMut(&'a [u8])) -> usize {
    let mut rest = &header[IPV4_HEADER..];
    let mut copied: usize = 0;
    while let [kind, tail @ ..] = rest {
        let len = match (kind, tail) {
            (0, _) => break,
            (1, _) => 1,
            (_, [len, ..]) if *len >= 2 => usize::from(*len),
            _ => break,
        };
        let Some((option, after)) = rest.split_at_checked(len) else {
            break;
        };
        if kind & 0x80 != 0 {
            each(option);
            copied += len;
        }
        rest = after;
    }
    copied.next_multiple_of(4)
}
