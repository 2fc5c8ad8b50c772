//! A TCP conversation (RFC 9293).

use std::net::SocketAddr;

use super::Synthetic;
use super::ip::{LONGEST, Path, TCP};
use crate::direction::{Both, Direction};

/// The most that one segment carries: what fits an IPv4 packet.
pub const LARGEST_SEGMENT: usize = 65_535 - 20 - 20;

/// One TCP connection, from the consumer's socket to the link's.
///
/// Each call hands the packets it makes to `sink`, in order. They all have the time of the event
/// that the call tells of.
#[derive(Debug, Clone)]
pub struct Conversation {
    ends: Both<End>,
    opened: bool,
    buffer: Vec<u8>,
}

/// One way: who sends, and how far it is.
#[derive(Debug, Clone)]
struct End {
    path: Path,
    ports: [u16; 2],
    /// The next sequence number.
    next: u32,
    finished: bool,
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// The window: the most there is without scaling, which also stands where the handshake, and with it
/// the scale, was not seen.
const WINDOW: u16 = u16::MAX;

impl Conversation {
    /// A connection between these two. Initial sequence numbers follow from `number`.
    #[must_use]
    pub fn new(client: SocketAddr, listener: SocketAddr, number: u64) -> Self {
        let end = |from: SocketAddr, to: SocketAddr, purpose: u64| End {
            path: Path::new(from, to),
            ports: [from.port(), to.port()],
            next: initial(number.wrapping_mul(2).wrapping_add(purpose)),
            finished: false,
        };
        Self {
            ends: Both {
                up: end(client, listener, 0),
                down: end(listener, client, 1),
            },
            opened: false,
            buffer: Vec::with_capacity(LONGEST),
        }
    }

    /// The handshake. Without it a conversation is one that was met midway.
    pub fn open(&mut self, mut sink: impl FnMut(Synthetic<'_>)) {
        if std::mem::replace(&mut self.opened, true) {
            return;
        }
        self.send(Direction::Up, SYN, &[], &mut sink);
        self.send(Direction::Down, SYN | ACK, &[], &mut sink);
        self.send(Direction::Up, ACK, &[], &mut sink);
    }

    /// Bytes, in as many segments as it takes, each acknowledged.
    pub fn data(&mut self, direction: Direction, bytes: &[u8], mut sink: impl FnMut(Synthetic<'_>)) {
        let mut segments = bytes.chunks(LARGEST_SEGMENT).peekable();
        while let Some(segment) = segments.next() {
            let push = if segments.peek().is_none() { PSH } else { 0 };
            self.send(direction, ACK | push, segment, &mut sink);
            self.send(direction.reverse(), ACK, &[], &mut sink);
        }
    }

    /// Bytes that were not seen: a gap in the sequence numbers, as packets leave that a capture lost.
    pub fn skip(&mut self, direction: Direction, count: u64) {
        let end = self.ends.of(direction);
        // Sequence numbers are modulo 2^32.
        end.next = end.next.wrapping_add((count & 0xFFFF_FFFF) as u32);
    }

    /// The end of one direction, acknowledged. A second one is none.
    pub fn finish(&mut self, direction: Direction, mut sink: impl FnMut(Synthetic<'_>)) {
        if self.ends.at(direction).finished {
            return;
        }
        self.send(direction, FIN | ACK, &[], &mut sink);
        self.ends.of(direction).finished = true;
        self.send(direction.reverse(), ACK, &[], &mut sink);
    }

    /// A reset. Nothing follows it.
    pub fn reset(&mut self, direction: Direction, mut sink: impl FnMut(Synthetic<'_>)) {
        self.send(direction, RST | ACK, &[], &mut sink);
    }

    fn send(
        &mut self,
        direction: Direction,
        flags: u8,
        payload: &[u8],
        sink: &mut impl FnMut(Synthetic<'_>),
    ) {
        let acknowledged = self.ends.at(direction.reverse()).next;
        let end = self.ends.of(direction);
        let acknowledged = if flags & ACK == 0 { 0 } else { acknowledged };
        // The largest segment there is, for this says nothing of the network that a link models.
        let options: &[u8] = match flags & SYN {
            0 => &[],
            _ => &[2, 4, (LARGEST_SEGMENT >> 8) as u8, (LARGEST_SEGMENT & 0xFF) as u8],
        };
        let header = 20 + options.len();
        let len = header + payload.len();
        let mut sum = end.path.pseudo_header(TCP, len);

        let out = &mut self.buffer;
        out.clear();
        end.path.header(out, TCP, len);
        let start = out.len();
        out.extend(end.ports[0].to_be_bytes());
        out.extend(end.ports[1].to_be_bytes());
        out.extend(end.next.to_be_bytes());
        out.extend(acknowledged.to_be_bytes());
        out.extend([((header / 4) as u8) << 4, flags]);
        out.extend(WINDOW.to_be_bytes());
        // Checksum, and an urgent pointer that nobody uses.
        out.extend([0; 4]);
        out.extend_from_slice(options);
        if let Some(tcp) = out.get(start..) {
            sum = sum.bytes(tcp);
        }
        let checksum = sum.bytes(payload).checksum();
        if let Some(place) = out.get_mut(start + 16..start + 18) {
            place.copy_from_slice(&checksum.to_be_bytes());
        }
        let takes = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        end.next = end.next.wrapping_add(takes);
        sink(Synthetic {
            direction,
            header: out,
            payload,
        });
    }
}

/// An initial sequence number, spread over all there are (SplitMix64; Steele, Lea and Flood 2014).
fn initial(number: u64) -> u32 {
    let mut value = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (value >> 32) as u32
}
