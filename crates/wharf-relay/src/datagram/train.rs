//! Packet trains: datagrams that leave together.

use std::io;
use std::net::SocketAddr;

use quinn_udp::EcnCodepoint;

use super::socket::Socket;
use crate::key::Key;

/// The longest train: as much as one datagram may have over IPv4, which bounds what the kernel
/// takes at once.
const LONGEST: usize = 65_507;

/// The most datagrams that the kernel takes at once (`UDP_MAX_SEGMENTS` in include/linux/udp.h).
const MOST: usize = 64;

/// Datagrams of one flow, one direction, one mark and one size (the last may be shorter), which the
/// kernel takes in one call and cuts up itself (GSO).
#[derive(Debug)]
pub(crate) struct Train {
    bytes: Vec<u8>,
    /// Where it goes: a flow, and which way.
    way: Option<(Key, usize)>,
    ecn: Option<EcnCodepoint>,
    segment: usize,
    count: usize,
}

/// What became of a train.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) datagrams: u64,
    pub(crate) bytes: usize,
    /// How often the kernel said that nobody is at the far end.
    pub(crate) refusals: u64,
    /// How many datagrams the kernel did not take.
    pub(crate) failed: u64,
}

impl Sent {
    /// None of them.
    pub(crate) fn failed(datagrams: u64) -> Self {
        Self {
            failed: datagrams,
            ..Self::default()
        }
    }
}

impl Train {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(LONGEST),
            way: None,
            ecn: None,
            segment: 0,
            count: 0,
        }
    }

    /// Where it goes, if anything is in it.
    pub(crate) fn way(&self) -> Option<(Key, usize)> {
        self.way
    }

    /// Whether a datagram of this length may join.
    pub(crate) fn takes(&self, way: (Key, usize), ecn: Option<EcnCodepoint>, len: usize) -> bool {
        if self.count == 0 {
            return true;
        }
        // A shorter one was the last.
        let whole = self.bytes.len() == self.segment * self.count;
        self.way == Some(way)
            && self.ecn == ecn
            && whole
            && (1..=self.segment).contains(&len)
            && self.count < MOST
            && self.bytes.len() + len <= LONGEST
    }

    pub(crate) fn push(&mut self, way: (Key, usize), ecn: Option<EcnCodepoint>, bytes: &[u8]) {
        if self.count == 0 {
            (self.way, self.ecn, self.segment) = (Some(way), ecn, bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        self.count += 1;
    }

    /// Sends all that is in it, and empties it.
    pub(crate) fn leave(&mut self, socket: &Socket, destination: SocketAddr) -> Sent {
        let mut sent = Sent::default();
        let together = self.count > 1 && socket.cuts_trains() && {
            let segment = Some(self.segment);
            let result = attempt(&mut sent, || {
                socket.send(destination, self.ecn, &self.bytes, segment)
            });
            let all = result.is_ok();
            if all {
                sent.datagrams = self.count as u64;
                sent.bytes = self.bytes.len();
            }
            all
        };
        if !together {
            self.leave_one_by_one(socket, destination, &mut sent);
        }
        self.clear();
        sent
    }

    /// Alone; or not together, since the way there has a smaller MTU, or a device cannot cut trains.
    fn leave_one_by_one(&self, socket: &Socket, destination: SocketAddr, sent: &mut Sent) {
        let mut rest = self.bytes.as_slice();
        for _ in 0..self.count {
            let (datagram, behind) = rest.split_at(self.segment.min(rest.len()));
            rest = behind;
            let result = attempt(sent, || socket.send(destination, self.ecn, datagram, None));
            match result {
                Ok(()) => {
                    sent.datagrams += 1;
                    sent.bytes += datagram.len();
                }
                // No room in the socket, no route, too long for the device: a network would have
                // lost it, too.
                Err(_) => sent.failed += 1,
            }
        }
    }

    /// Empties it. How many datagrams were in it.
    pub(crate) fn clear(&mut self) -> u64 {
        self.bytes.clear();
        self.way = None;
        std::mem::take(&mut self.count) as u64
    }
}

/// Sends. A "port unreachable" that came for an earlier datagram is told once, instead of sending.
fn attempt(sent: &mut Sent, send: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match send() {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            sent.refusals += 1;
            send()
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Slab;

    #[test]
    fn only_what_the_kernel_can_cut_again_leaves_together() {
        let mut flows = Slab::new();
        let (way, other) = ((flows.insert(()), 0), (flows.insert(()), 0));
        let mut train = Train::new();
        train.push(way, None, &[1; 100]);
        assert!(train.takes(way, None, 100));
        assert!(train.takes(way, None, 40), "the last may be shorter");
        assert!(!train.takes(way, None, 101), "longer");
        assert!(!train.takes(way, None, 0), "empty");
        assert!(!train.takes(other, None, 100), "another flow");
        assert!(!train.takes((way.0, 1), None, 100), "another direction");
        assert!(!train.takes(way, Some(EcnCodepoint::Ce), 100), "another mark");
        train.push(way, None, &[1; 40]);
        assert!(!train.takes(way, None, 40), "behind a shorter one");
        assert_eq!((train.clear(), train.way()), (2, None));
        train.push(way, None, &[]);
        assert!(!train.takes(way, None, 0), "empty ones travel alone");
    }

    #[test]
    fn a_train_is_no_longer_than_a_datagram_may_be() {
        let way = (Slab::new().insert(()), 0);
        let mut train = Train::new();
        train.push(way, None, &[1; 30_000]);
        train.push(way, None, &[1; 30_000]);
        assert!(train.takes(way, None, 5_507));
        assert!(!train.takes(way, None, 5_508));
    }
}
