//! Fragments that are not the first have no ports: what became of the first becomes of them, where they
//! come after it ("receive fragments ordered": RFC 4787, section 11).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use wharf_packet::{Packet, Protocol};

/// How many first fragments are remembered.
const MOST: usize = 64;
/// For how long: no less than hosts wait for the rest (RFC 791, section 3.2).
const KEPT: Duration = Duration::from_secs(15);

/// What all fragments of one packet have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole {
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    id: u32,
}

impl Whole {
    /// That of a fragment.
    pub(crate) fn of(packet: &Packet<'_>) -> Option<Self> {
        packet.fragment().map(|part| Self {
            source: packet.source(),
            destination: packet.destination(),
            protocol: packet.protocol(),
            id: part.id,
        })
    }
}

/// What became of first fragments.
#[derive(Debug, Clone)]
pub(crate) struct Firsts<D>(VecDeque<(Duration, Whole, D)>);

impl<D: Copy> Firsts<D> {
    pub(crate) fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(crate) fn remember(&mut self, now: Duration, whole: Whole, done: D) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((now, whole, done));
    }

    pub(crate) fn find(&self, now: Duration, whole: Whole) -> Option<D> {
        let is_known = |(at, known, _): &&(Duration, Whole, D)| *known == whole && now <= *at + KEPT;
        // The last: identifications come again.
        self.0.iter().rev().find(is_known).map(|(_, _, done)| *done)
    }
}
