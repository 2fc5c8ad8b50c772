//! A segment as the event loop sees it.

use std::time::Duration;

use wharf_link::{Cause, Conditions, Delivery, Machine, Offer, Overflow, Seed};

use crate::agenda::Slot;
use crate::chain::of_streams;
use crate::connection::{DOWN, UP};
use crate::datagram::Datagram;
use crate::freight::Freight;
use crate::meter::Meter;
use crate::spec::{CutDirection, SegmentId, SegmentSpec};
use crate::stats::SegmentStats;
use crate::waiting::Waiting;

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) cut: Option<CutDirection>,
    pub(crate) lanes: [Stretch; 2],
}

/// One direction of a segment.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// As they were set.
    pub(crate) conditions: Conditions,
    /// What streams and datagrams meet alike.
    pub(crate) machine: Machine<Freight>,
    /// What only datagrams meet, before the other.
    alone: Machine<Datagram>,
    /// How often it has been cut.
    cuts: u32,
    /// Datagrams that were dropped here.
    dropped: u64,
    pub(crate) waiting: Waiting,
    pub(crate) meter: Meter,
    pub(crate) slot: Slot,
}

impl Stretch {
    fn new(conditions: Conditions, seed: Seed) -> Self {
        let alone = of_datagrams(&conditions);
        Self {
            machine: Machine::new(of_streams(&conditions), seed, Overflow::PushBack),
            alone: Machine::new(alone, seed.derive("datagrams"), Overflow::Drop),
            conditions,
            cuts: 0,
            dropped: 0,
            waiting: Waiting::default(),
            meter: Meter::default(),
            slot: Slot::default(),
        }
    }

    /// Changes the conditions.
    pub(crate) fn set_conditions(&mut self, now: Duration, conditions: Conditions) {
        self.machine.set_conditions(now, of_streams(&conditions));
        self.alone.set_conditions(now, of_datagrams(&conditions));
        self.conditions = conditions;
        self.let_in(now);
    }

    /// Lets in what waits, as far as there is room.
    pub(crate) fn let_in(&mut self, at: Duration) {
        let machine = &mut self.machine;
        self.waiting.offer(|freight| match machine.offer(at, freight) {
            Offer::Accepted => Ok(()),
            Offer::Full(freight) | Offer::Dropped(freight, _) | Offer::TooBig(freight, _) => Err(freight),
        });
    }

    /// What becomes of a datagram before it comes to the queue. `Err`: it is dropped.
    pub(crate) fn meet(
        &mut self,
        at: Duration,
        datagram: Datagram,
    ) -> Result<Option<Delivery<Datagram>>, (Datagram, Cause)> {
        match self.alone.offer(at, datagram) {
            // It takes no time: there is nothing in these conditions that would.
            Offer::Accepted => Ok(self.alone.poll(at)),
            Offer::Dropped(datagram, cause) => Err(self.drop(datagram, cause)),
            Offer::TooBig(datagram, _) => Err(self.drop(datagram, Cause::Mtu)),
            Offer::Full(datagram) => Err(self.drop(datagram, Cause::Queue)),
        }
    }

    /// Lets a datagram into the queue, or drops it.
    pub(crate) fn take(&mut self, at: Duration, datagram: Datagram) -> Result<(), (Datagram, Cause)> {
        if self.machine.is_cut() {
            return Err(self.drop(datagram, Cause::Cut));
        }
        if !self.machine.is_on(at) {
            return Err(self.drop(datagram, Cause::Outage));
        }
        let freight = Freight::Datagram(datagram, self.cuts);
        if self.waiting.takes_datagram(freight.party()) {
            self.waiting.push(freight);
            self.let_in(at);
            return Ok(());
        }
        let full = match self.waiting.is_empty() {
            true => self.machine.offer(at, freight),
            false => Offer::Full(freight),
        };
        match full {
            Offer::Full(freight) | Offer::Dropped(freight, _) | Offer::TooBig(freight, _) => match freight {
                Freight::Datagram(datagram, _) => Err(self.drop(datagram, Cause::Queue)),
                Freight::Parcel(_) => Ok(()),
            },
            Offer::Accepted => Ok(()),
        }
    }

    /// Whether a datagram that came after so many cuts, and comes out now, arrives. `lost`: the machine
    /// says that it is.
    pub(crate) fn fate(&mut self, cuts: u32, lost: bool) -> Result<(), Cause> {
        let cause = match (cuts == self.cuts, lost) {
            (false, _) => Cause::Cut,
            (true, true) => Cause::Loss,
            (true, false) => return Ok(()),
        };
        self.dropped += 1;
        Err(cause)
    }

    fn drop_waiting(&mut self) -> impl Iterator<Item = Datagram> + use<> {
        let waiting = self.waiting.take_datagrams();
        self.dropped += waiting.len() as u64;
        waiting.into_iter().filter_map(|freight| match freight {
            Freight::Datagram(datagram, _) => Some(datagram),
            Freight::Parcel(_) => None,
        })
    }

    fn drop(&mut self, datagram: Datagram, cause: Cause) -> (Datagram, Cause) {
        self.dropped += 1;
        (datagram, cause)
    }

    /// When something comes out, or there is room for what waits.
    pub(crate) fn next(&self) -> Option<Duration> {
        let arrival = self.machine.next_wakeup();
        if self.waiting.is_empty() {
            return arrival;
        }
        arrival.into_iter().chain(self.machine.next_room()).min()
    }

    /// Whether what comes goes on at once.
    pub(crate) fn is_clear(&self) -> bool {
        self.machine.conditions().is_clear() && !self.machine.is_cut()
    }
}

impl Segment {
    pub(crate) fn new(spec: SegmentSpec) -> Self {
        let seed = spec.seed.derive("segment").derive(&spec.name);
        Self {
            lanes: [
                Stretch::new(spec.up, seed.derive("up")),
                Stretch::new(spec.down, seed.derive("down")),
            ],
            name: spec.name,
            cut: None,
        }
    }

    /// Cuts it, or heals it. Streams are held by a cut; datagrams on the segment are lost by it, and
    /// those that had not entered it yet are handed back, with their direction.
    pub(crate) fn cut(&mut self, now: Duration, cut: Option<CutDirection>) -> Vec<(usize, Datagram)> {
        self.cut = cut;
        let mut dropped = Vec::new();
        let ways = [(UP, CutDirection::Up), (DOWN, CutDirection::Down)];
        for (direction, own) in ways {
            let lane = &mut self.lanes[direction];
            if cut == Some(own) || cut == Some(CutDirection::Both) {
                lane.cuts += u32::from(!lane.machine.is_cut());
                lane.machine.cut(now);
                dropped.extend(lane.drop_waiting().map(|datagram| (direction, datagram)));
            } else {
                lane.machine.heal(now);
                lane.let_in(now);
            }
        }
        dropped
    }

    pub(crate) fn stats(&mut self, now: Duration) -> SegmentStats {
        let [up, down] = &mut self.lanes;
        SegmentStats {
            name: self.name.clone(),
            bytes_up: up.meter.total(),
            bytes_down: down.meter.total(),
            lost_up: up.machine.counters().lost,
            lost_down: down.machine.counters().lost,
            dropped_up: up.dropped,
            dropped_down: down.dropped,
            rate_up: up.meter.rate(now),
            rate_down: down.meter.rate(now),
            cut: self.cut,
        }
    }
}

/// The segment that comes after so many machines of a way, the link's own counted.
pub(crate) fn hop_of(via: &[SegmentId], direction: usize, hop: u32) -> Option<SegmentId> {
    let behind = (hop as usize).checked_sub(1)?;
    match direction {
        UP => via.get(behind).copied(),
        _ => via.iter().rev().nth(behind).copied(),
    }
}

/// What of a segment's conditions datagrams meet, and streams, of which the relay is an end, do not.
/// Overtaking is left out: in the one queue of a segment order is kept.
fn of_datagrams(conditions: &Conditions) -> Conditions {
    Conditions {
        mtu: conditions.mtu,
        corrupt: conditions.corrupt,
        duplicate: conditions.duplicate,
        ..Conditions::CLEAR
    }
}
