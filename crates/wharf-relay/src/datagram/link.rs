//! A link for datagrams, as the event loop sees it.

use std::time::Duration;

use wharf_link::{Cause, Conditions, Machine, Overflow, Seed};

use super::packet::Datagram;
use super::pool::{Account, Pool};
use super::recency::List;
use super::spec::{DatagramCounts, DatagramLimits, DatagramSpec, DatagramStats};
use crate::connection::{DOWN, UP};
use crate::lateness::Lateness;
use crate::link::Far;
use crate::meter::Meter;
use crate::spec::{Cut, CutDirection, Manner, SegmentId};
use crate::stats::LinkStats;

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) far: Far,
    /// Which of the provider's addresses is used.
    pub(crate) preferred: usize,
    pub(crate) cut: Option<Cut>,
    pub(crate) limits: DatagramLimits,
    /// The segments behind, in the order of the way up.
    pub(crate) via: Vec<SegmentId>,
    pub(crate) lanes: [Lane; 2],
    pub(crate) memory: Account,
    /// The sockets that clients speak to, by index.
    pub(crate) seats: Vec<usize>,
    /// Flows with one question, and with more.
    pub(crate) brief: List,
    pub(crate) lasting: List,
    /// When flows that are quiet are looked for.
    pub(crate) sweep: Option<Duration>,
    pub(crate) counts: Counts,
}

/// What has been counted, as in [`LinkStats`] and [`DatagramStats`].
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) flows: u64,
    pub(crate) evicted: u64,
    pub(crate) expired: u64,
    pub(crate) parked: u64,
    pub(crate) park_overflows: u64,
    pub(crate) refused: u64,
    pub(crate) shed: u64,
}

/// One direction of a link.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) machine: Machine<Datagram>,
    pub(crate) meter: Meter,
    pub(crate) lateness: Lateness,
    pub(crate) counts: DatagramCounts,
    /// How many datagrams were offered to the machine.
    pub(crate) offered: u64,
    /// One more than the highest number that has arrived (`NextExp` of RFC 4737).
    pub(crate) expected: u64,
}

impl Lane {
    fn new(conditions: Conditions, seed: Seed) -> Self {
        Self {
            machine: Machine::new(conditions, seed, Overflow::Drop),
            meter: Meter::default(),
            lateness: Lateness::default(),
            counts: DatagramCounts::default(),
            offered: 0,
            expected: 0,
        }
    }

    /// A datagram was dropped behind the machine: on a segment.
    pub(crate) fn dropped(&mut self, cause: Cause) {
        let counts = &mut self.counts;
        let count = match cause {
            Cause::Loss => &mut counts.lost,
            Cause::Mtu => &mut counts.too_big,
            Cause::Cut | Cause::Outage => &mut counts.cut_dropped,
            _ => &mut counts.queue_dropped,
        };
        *count += 1;
    }

    fn counts(&self) -> DatagramCounts {
        let machine = self.machine.counters();
        DatagramCounts {
            lost: self.counts.lost + machine.dropped_by_loss,
            too_big: self.counts.too_big + machine.dropped_by_mtu,
            queue_dropped: self.counts.queue_dropped + machine.dropped_by_queue + machine.dropped_by_aqm,
            cut_dropped: self.counts.cut_dropped + machine.dropped_by_cut + machine.dropped_by_outage,
            ..self.counts
        }
    }
}

impl Link {
    /// The link without its sockets.
    pub(crate) fn new(spec: DatagramSpec, pool: &Pool) -> Self {
        let seed = spec.seed.derive(&spec.name);
        let memory = usize::try_from(spec.limits.memory.bytes()).unwrap_or(usize::MAX);
        Self {
            name: spec.name,
            far: Far::from(spec.provider),
            preferred: 0,
            cut: None,
            limits: spec.limits,
            via: spec.via,
            lanes: [
                Lane::new(spec.up, seed.derive("up")),
                Lane::new(spec.down, seed.derive("down")),
            ],
            memory: pool.account(memory),
            seats: Vec::new(),
            brief: List::default(),
            lasting: List::default(),
            sweep: None,
            counts: Counts::default(),
        }
    }

    /// Whether clients should be refused. To a datagram's sender a reset is the same: there is no
    /// connection to be reset, and Windows even calls the answer `WSAECONNRESET`.
    pub(crate) fn wants_to_refuse(&self) -> bool {
        match self.cut.map(|cut| cut.manner) {
            Some(Manner::Reset | Manner::Refuse) => true,
            Some(Manner::Hole) => false,
            None => matches!(self.far, Far::Down),
        }
    }

    /// Puts the cut into force.
    pub(crate) fn follow_cut(&mut self, now: Duration) {
        let hole = self.cut.filter(|cut| cut.manner == Manner::Hole);
        let direction = hole.map(|cut| cut.direction);
        for (lane, own) in [(UP, CutDirection::Up), (DOWN, CutDirection::Down)] {
            let machine = &mut self.lanes[lane].machine;
            if direction == Some(own) || direction == Some(CutDirection::Both) {
                machine.cut(now);
            } else {
                machine.heal(now);
            }
        }
    }

    /// How many flows there are.
    pub(crate) fn flows(&self) -> usize {
        self.brief.len() + self.lasting.len()
    }

    /// When the next datagram arrives, or quiet flows are looked for.
    pub(crate) fn next(&self) -> Option<Duration> {
        let arrivals = self.lanes.iter().filter_map(|lane| lane.machine.next_wakeup());
        arrivals.chain(self.sweep).min()
    }

    pub(crate) fn stats(&mut self, now: Duration) -> LinkStats {
        let flows = self.flows() as u64;
        let [up, down] = &mut self.lanes;
        LinkStats {
            connections: flows,
            total_connections: self.counts.flows,
            parked: self.counts.parked,
            refused: self.counts.refused,
            park_overflows: self.counts.park_overflows,
            shed: self.counts.shed,
            bytes_up: up.meter.total(),
            bytes_down: down.meter.total(),
            rate_up: up.meter.rate(now),
            rate_down: down.meter.rate(now),
            lateness_up: up.lateness.summary(),
            lateness_down: down.lateness.summary(),
            cut: self.cut,
            datagrams: Some(DatagramStats {
                up: up.counts(),
                down: down.counts(),
                evicted: self.counts.evicted,
                expired: self.counts.expired,
            }),
            ..LinkStats::default()
        }
    }
}
