//! UDP datagrams (RFC 768).

use std::net::SocketAddr;

use super::Synthetic;
use super::ip::{LONGEST, Path, UDP};
use crate::direction::{Both, Direction};

/// The datagrams between one consumer's socket and a link's.
#[derive(Debug, Clone)]
pub struct Datagrams {
    ways: Both<Way>,
    buffer: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Way {
    path: Path,
    ports: [u16; 2],
}

impl Datagrams {
    /// Between these two.
    #[must_use]
    pub fn new(client: SocketAddr, listener: SocketAddr) -> Self {
        let way = |from: SocketAddr, to: SocketAddr| Way {
            path: Path::new(from, to),
            ports: [from.port(), to.port()],
        };
        Self {
            ways: Both {
                up: way(client, listener),
                down: way(listener, client),
            },
            buffer: Vec::with_capacity(LONGEST),
        }
    }

    /// One datagram. What is longer than UDP allows is cut.
    pub fn datagram(&mut self, direction: Direction, payload: &[u8], sink: impl FnOnce(Synthetic<'_>)) {
        const LONGEST_PAYLOAD: usize = 65_535 - 20 - 8;
        let payload = payload.get(..LONGEST_PAYLOAD).unwrap_or(payload);
        let len = payload.len() + 8;
        let way = self.ways.of(direction);
        let mut sum = way.path.pseudo_header(UDP, len);

        let out = &mut self.buffer;
        out.clear();
        way.path.header(out, UDP, len);
        let start = out.len();
        out.extend(way.ports[0].to_be_bytes());
        out.extend(way.ports[1].to_be_bytes());
        out.extend(u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
        out.extend([0; 2]);
        if let Some(udp) = out.get(start..) {
            sum = sum.bytes(udp);
        }
        let checksum = match sum.bytes(payload).checksum() {
            // Zero would say that there is no checksum.
            0 => 0xFFFF,
            checksum => checksum,
        };
        if let Some(place) = out.get_mut(start + 6..start + 8) {
            place.copy_from_slice(&checksum.to_be_bytes());
        }
        sink(Synthetic {
            direction,
            header: out,
            payload,
        });
    }
}
