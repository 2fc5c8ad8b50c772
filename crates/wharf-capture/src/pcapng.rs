//! The file format: blocks appended to bytes that the caller flushes.
//!
//! Written as draft-ietf-opsawg-pcapng says, in little-endian order, with times in nanoseconds.
//! Every block is whole after each call, so that a file cut between two calls is a good file.

use crate::Timestamp;
use crate::direction::Direction;

/// What the bytes of an interface's packets begin with (the registry of link-layer types).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    /// An IPv4 or IPv6 header; the version nibble says which (`LINKTYPE_RAW`).
    Ip,
    /// An Ethernet header.
    Ethernet,
}

impl LinkType {
    const fn code(self) -> u16 {
        match self {
            Self::Ip => 101,
            Self::Ethernet => 1,
        }
    }
}

/// An interface that packets were seen on.
#[derive(Debug, Clone, Copy)]
pub struct Interface<'a> {
    /// Its name, such as `web -> api`.
    pub name: &'a str,
    /// What it is, in a line. Left out when empty.
    pub description: &'a str,
    /// What else is worth saying. Left out when empty.
    pub comment: &'a str,
    /// What its packets begin with.
    pub link_type: LinkType,
}

/// Names an interface of a [`Section`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceId(u32);

impl InterfaceId {
    /// How many interfaces were described before it.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A packet, as an Enhanced Packet Block has it.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// When it was seen.
    pub time: Timestamp,
    /// Which way it went: *up* is written as outbound, as the consumer's end sees it.
    pub direction: Option<Direction>,
    /// What is to be said of it, such as why it was dropped. Left out when empty.
    pub comment: &'a str,
    /// Its bytes, in pieces that are joined.
    pub data: &'a [&'a [u8]],
}

/// What an Interface Statistics Block says: counts since the interface was begun.
#[derive(Debug, Clone, Copy)]
pub struct Statistics<'a> {
    /// When the counts were taken.
    pub time: Timestamp,
    /// When the capture began.
    pub started: Timestamp,
    /// When it ended, if it has.
    pub ended: Option<Timestamp>,
    /// Packets seen.
    pub received: u64,
    /// Packets of those that are not in the file for want of room.
    pub dropped: u64,
    /// What else is worth saying, such as why. Left out when empty.
    pub comment: &'a str,
}

/// A section of a capture file: a header and the interfaces that have been described since.
///
/// Several sections may follow one another in a file, which is how a capture is taken up again.
#[derive(Debug, Clone)]
pub struct Section {
    interfaces: u32,
}

/// Block types.
const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Options of all blocks.
const END: u16 = 0;
const COMMENT: u16 = 1;

/// What an option may hold: its length has 16 bits.
const LONGEST_OPTION: usize = 4096;

impl Section {
    /// Begins a section, and the file with it if nothing was before. `application` is the program
    /// that writes it.
    pub fn begin(out: &mut Vec<u8>, application: &str) -> Self {
        const USER_APPLICATION: u16 = 4;
        block(out, SECTION_HEADER, |out| {
            out.extend(0x1A2B_3C4D_u32.to_le_bytes());
            out.extend(1_u16.to_le_bytes());
            out.extend(0_u16.to_le_bytes());
            // The section's length is not known.
            out.extend((-1_i64).to_le_bytes());
            text(out, USER_APPLICATION, application);
            option(out, END, &[]);
        });
        Self { interfaces: 0 }
    }

    /// Describes an interface. Times are in nanoseconds.
    pub fn interface(&mut self, out: &mut Vec<u8>, interface: &Interface<'_>) -> InterfaceId {
        const NAME: u16 = 2;
        const DESCRIPTION: u16 = 3;
        const TIME_RESOLUTION: u16 = 9;
        block(out, INTERFACE_DESCRIPTION, |out| {
            out.extend(interface.link_type.code().to_le_bytes());
            out.extend([0; 2]);
            // No limit to what is kept of a packet.
            out.extend(0_u32.to_le_bytes());
            text(out, NAME, interface.name);
            text(out, DESCRIPTION, interface.description);
            text(out, COMMENT, interface.comment);
            option(out, TIME_RESOLUTION, &[9]);
            option(out, END, &[]);
        });
        let id = InterfaceId(self.interfaces);
        self.interfaces = self.interfaces.saturating_add(1);
        id
    }

    /// Writes a packet.
    pub fn packet(&self, out: &mut Vec<u8>, interface: InterfaceId, packet: &Packet<'_>) {
        const FLAGS: u16 = 2;
        let len: usize = packet.data.iter().map(|piece| piece.len()).sum();
        block(out, ENHANCED_PACKET, |out| {
            out.extend(interface.0.to_le_bytes());
            out.extend(halves(packet.time.nanos()));
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            out.extend(len.to_le_bytes());
            out.extend(len.to_le_bytes());
            for piece in packet.data {
                out.extend_from_slice(piece);
            }
            pad(out, len as usize);
            let flags = packet.direction.map(|direction| match direction {
                Direction::Down => 1_u32,
                Direction::Up => 2,
            });
            text(out, COMMENT, packet.comment);
            if let Some(flags) = flags {
                option(out, FLAGS, &flags.to_le_bytes());
            }
            if flags.is_some() || !packet.comment.is_empty() {
                option(out, END, &[]);
            }
        });
    }

    /// Writes what has been counted at an interface.
    pub fn statistics(&self, out: &mut Vec<u8>, interface: InterfaceId, statistics: &Statistics<'_>) {
        const START: u16 = 2;
        const FINISH: u16 = 3;
        const RECEIVED: u16 = 4;
        const DROPPED: u16 = 5;
        block(out, INTERFACE_STATISTICS, |out| {
            out.extend(interface.0.to_le_bytes());
            out.extend(halves(statistics.time.nanos()));
            text(out, COMMENT, statistics.comment);
            option(out, START, &halves(statistics.started.nanos()));
            if let Some(ended) = statistics.ended {
                option(out, FINISH, &halves(ended.nanos()));
            }
            option(out, RECEIVED, &statistics.received.to_le_bytes());
            option(out, DROPPED, &statistics.dropped.to_le_bytes());
            option(out, END, &[]);
        });
    }
}

/// Appends a block: its type, its length before and after, and what `body` writes.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    body(out);
    let len = u32::try_from(out.len() - start + 4)
        .unwrap_or(u32::MAX)
        .to_le_bytes();
    out.extend(len);
    if let Some(place) = out.get_mut(start + 4..start + 8) {
        place.copy_from_slice(&len);
    }
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..LONGEST_OPTION).unwrap_or(value);
    out.extend(code.to_le_bytes());
    out.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(value);
    pad(out, value.len());
}

/// An option of text, left out when there is none, and cut between two characters.
fn text(out: &mut Vec<u8>, code: u16, value: &str) {
    let mut end = value.len().min(LONGEST_OPTION);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    if end > 0 {
        option(out, code, &value.as_bytes()[..end]);
    }
}

/// Fills up to 32 bits.
fn pad(out: &mut Vec<u8>, len: usize) {
    const ZEROES: [u8; 3] = [0; 3];
    out.extend_from_slice(&ZEROES[..len.wrapping_neg() % 4]);
}

/// A 64-bit time as the format has it: its upper half first, each half in the section's byte order.
fn halves(value: u64) -> [u8; 8] {
    value.rotate_left(32).to_le_bytes()
}
