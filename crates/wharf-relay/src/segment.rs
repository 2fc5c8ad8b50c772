//! A segment as the event loop sees it.

use std::time::Duration;

use wharf_link::{Machine, Overflow};

use crate::flow::Parcel;
use crate::meter::Meter;
use crate::spec::{CutDirection, SegmentSpec};
use crate::stats::SegmentStats;

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) cut: Option<CutDirection>,
    pub(crate) lanes: [Stretch; 2],
}

/// One direction of a segment.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) machine: Machine<Parcel>,
    pub(crate) meter: Meter,
}

impl Segment {
    pub(crate) fn new(spec: SegmentSpec) -> Self {
        let seed = spec.seed.derive("segment").derive(&spec.name);
        let stretch = |conditions, way| Stretch {
            machine: Machine::new(conditions, seed.derive(way), Overflow::PushBack),
            meter: Meter::default(),
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
            }
        }
    }

    pub(crate) fn stats(&mut self, now: Duration) -> SegmentStats {
        let [up, down] = &mut self.lanes;
        SegmentStats {
            name: self.name.clone(),
            bytes_up: up.meter.total(),
            bytes_down: down.meter.total(),
            rate_up: up.meter.rate(now),
            rate_down: down.meter.rate(now),
            up: up.machine.conditions().settings(),
            down: down.machine.conditions().settings(),
            cut: self.cut,
        }
    }
}
