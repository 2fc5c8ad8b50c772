//! A segment as the event loop sees it.

use std::time::Duration;

use wharf_link::{Conditions, Machine, Offer, Overflow};

use crate::agenda::Slot;
use crate::chain::of_streams;
use crate::flow::Parcel;
use crate::meter::Meter;
use crate::spec::{CutDirection, SegmentSpec};
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
    pub(crate) machine: Machine<Parcel>,
    pub(crate) waiting: Waiting,
    pub(crate) meter: Meter,
    pub(crate) slot: Slot,
}

impl Stretch {
    /// Changes the conditions.
    pub(crate) fn set_conditions(&mut self, now: Duration, conditions: Conditions) {
        self.machine.set_conditions(now, of_streams(&conditions));
        self.conditions = conditions;
        self.let_in(now);
    }

    /// Lets in what waits, as far as there is room.
    pub(crate) fn let_in(&mut self, at: Duration) {
        let machine = &mut self.machine;
        self.waiting.offer(|parcel| match machine.offer(at, parcel) {
            Offer::Accepted => Ok(()),
            Offer::Full(parcel) | Offer::Dropped(parcel, _) | Offer::TooBig(parcel, _) => Err(parcel),
        });
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
        let stretch = |conditions: Conditions, way| Stretch {
            machine: Machine::new(of_streams(&conditions), seed.derive(way), Overflow::PushBack),
            conditions,
            waiting: Waiting::default(),
            meter: Meter::default(),
            slot: Slot::default(),
        };
        Self {
            lanes: [stretch(spec.up, "up"), stretch(spec.down, "down")],
            name: spec.name,
            cut: None,
        }
    }

    /// Cuts it, or heals it.
    pub(crate) fn cut(&mut self, now: Duration, cut: Option<CutDirection>) {
        self.cut = cut;
        for (lane, way) in self.lanes.iter_mut().zip([CutDirection::Up, CutDirection::Down]) {
            if cut == Some(way) || cut == Some(CutDirection::Both) {
                lane.machine.cut(now);
            } else {
                lane.machine.heal(now);
                lane.let_in(now);
            }
        }
    }

    pub(crate) fn stats(&mut self, now: Duration) -> SegmentStats {
        let [up, down] = &mut self.lanes;
        SegmentStats {
            name: self.name.clone(),
            bytes_up: up.meter.total(),
            bytes_down: down.meter.total(),
            lost_up: up.machine.counters().lost,
            lost_down: down.machine.counters().lost,
            rate_up: up.meter.rate(now),
            rate_down: down.meter.rate(now),
            up: up.conditions.settings(),
            down: down.conditions.settings(),
            cut: self.cut,
        }
    }
}
