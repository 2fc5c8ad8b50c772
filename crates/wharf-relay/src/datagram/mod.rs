//! Links that carry UDP datagrams.
//!
//! ```text
//!  clients ──▶ seat ──▶ flow ──▶ [ up machine   ] ──▶ the flow's own socket ──▶ provider
//!          ◀────────────────── [ down machine ] ◀──
//! ```
//!
//! A *seat* is a socket that clients speak to and are answered from. Each client address that speaks
//! to it has a *flow*, which has a socket of its own towards the provider, so that answers find back.
//! A datagram is a packet of the machine, headers counted, so its fate is as real as its bounds are
//! kept: what is lost is lost.
//!
//! Behind the link's machine may be [segments](crate::SegmentSpec) that it shares with others, also with
//! those of connections: what comes out of the machine goes on over them, one after another.
//!
//! Without conditions the machine is passed by. Datagrams are received many at a time (`recvmmsg`,
//! GRO), and those of one flow and one length leave together in a [`train`] (GSO). What waits in a
//! machine is in memory from a [`pool`]: in the steady state nothing is allocated.

mod arrivals;
mod batch;
mod carry;
mod control;
mod flow;
mod flows;
mod link;
mod packet;
mod pool;
mod recency;
mod seat;
mod socket;
mod spec;
mod train;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mio::Registry;

use crate::clock::Clock;
use crate::key::{Key, Slab};
use crate::spec::SegmentId;
use crate::tap::Taps;
pub(crate) use packet::Datagram;

use batch::Batch;
use flow::Flow;
use link::Link;
use pool::Pool;
use recency::Recency;
use seat::Seat;
use train::Train;

pub use spec::{DatagramCounts, DatagramLimits, DatagramSpec, DatagramStats};

/// All links for datagrams of a relay.
#[derive(Debug)]
pub(crate) struct Datagrams {
    /// By the number that [`LinkId`](crate::LinkId) has.
    links: BTreeMap<u32, Link>,
    seats: Vec<Option<Seat>>,
    flows: Slab<Flow>,
    recency: Recency,
    pool: Pool,
    /// Made with the first link, since it is large.
    batch: Option<Batch>,
    train: Train,
    /// What has come out of a link, or of a segment, and goes on over a segment.
    crossings: VecDeque<Crossing>,
    /// Sockets that had more than their turn allowed.
    unfinished: VecDeque<Source>,
}

/// A socket that datagrams come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Clients, at the seat with this index.
    Seat(usize),
    /// The provider, to a flow.
    Flow(Key),
}

/// A datagram on its way to a segment.
#[derive(Debug)]
pub(crate) struct Crossing {
    pub(crate) segment: SegmentId,
    pub(crate) direction: usize,
    pub(crate) datagram: Datagram,
    /// When it comes there.
    pub(crate) at: Duration,
}

/// What the event loop lends.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) clock: &'a Clock,
    pub(crate) taps: &'a Taps,
}

impl Datagrams {
    pub(crate) fn new() -> Self {
        Self {
            links: BTreeMap::new(),
            seats: Vec::new(),
            flows: Slab::new(),
            recency: Recency::default(),
            pool: Pool::default(),
            batch: None,
            train: Train::new(),
            crossings: VecDeque::new(),
            unfinished: VecDeque::new(),
        }
    }

    /// The source that has this number among the tokens of datagram sockets.
    pub(crate) fn source(&self, number: usize) -> Option<Source> {
        match (number % 2, number / 2) {
            (0, seat) => Some(Source::Seat(seat)),
            (_, flow) => self.flows.key_at(flow).map(Source::Flow),
        }
    }

    /// When there is something to do.
    pub(crate) fn next(&self) -> Option<Duration> {
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        self.links.values().filter_map(Link::next).min()
    }

    /// Does what is due.
    pub(crate) fn serve(&mut self, around: Around<'_>) {
        // The first time at which something is: what goes on over segments, comes to them in the order
        // of its times, among all that goes there.
        let due = self.links.values().filter_map(Link::next).min();
        for _ in 0..self.unfinished.len() {
            if let Some(source) = self.unfinished.pop_front() {
                self.receive(source, around);
                self.deliver_all(due, around);
            }
        }
        self.deliver_all(due, around);
        self.sweep(around);
        self.flows.recycle();
    }
}

impl Source {
    /// Tells it from the others in a token.
    fn number(self) -> usize {
        match self {
            Self::Seat(seat) => seat * 2,
            Self::Flow(key) => key.index as usize * 2 + 1,
        }
    }
}
