//! What is changed of a fabric while it carries: conditions, cuts, and who looks.

use std::time::Duration;

use wharf_link::{Conditions, Machine};
use wharf_topology::{Direction, SegmentId, Topology};

use super::Fabric;
use super::transit::Transit;
use super::watch::Watch;
use crate::network::Place;
use crate::switch::stage::{Offload, offload};

impl Fabric {
    pub(super) fn decide(&mut self) {
        let segments = self.topology.segments().len() * 2;
        let mut machines = self.machines[..segments].iter();
        self.segments_cut = machines.any(|machine| offload(machine.conditions()) == Offload::Cut);
    }

    pub(super) fn segment_machine(segment: SegmentId, direction: Direction) -> usize {
        segment.index() * 2 + usize::from(direction == Direction::Down)
    }

    /// The machines of a place, up and down.
    pub(crate) fn machines_of(topology: &Topology, place: Place) -> [usize; 2] {
        let first = match place {
            Place::Segment(segment) => Self::segment_machine(segment, Direction::Up),
            Place::Link(link) => (topology.segments().len() + link) * 2,
        };
        [first, first + 1]
    }

    /// Tells of packets, from now on.
    pub(crate) fn watch(&mut self, watch: Watch) {
        self.watches.add(watch);
        self.keep_drops();
    }

    /// Tells of them no longer.
    pub(crate) fn unwatch(&mut self, number: u64) {
        self.watches.remove(number);
        self.keep_drops();
    }

    fn keep_drops(&mut self) {
        for (at, machine) in self.machines.iter_mut().enumerate() {
            match self.watches.sees_drops_of(at) {
                true => machine.keep_dropped(),
                false => machine.let_go_dropped(),
            }
        }
    }

    /// Hands over to the captures' files what was noted.
    pub(crate) fn flush(&self) {
        self.watches.flush();
    }

    pub(super) fn link_machine(&self, link: usize, direction: Direction) -> usize {
        let [up, down] = Self::machines_of(&self.topology, Place::Link(link));
        match direction {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    pub(crate) fn set_segment(&mut self, now: Duration, segment: SegmentId, conditions: [Conditions; 2]) {
        self.set(now, Self::segment_machine(segment, Direction::Up), conditions);
        self.decide();
    }

    pub(crate) fn set_link(&mut self, now: Duration, link: usize, conditions: [Conditions; 2]) {
        self.set(now, self.link_machine(link, Direction::Up), conditions);
    }

    pub(crate) fn cut(&mut self, now: Duration, segment: SegmentId) {
        self.each_way(segment, |machine| machine.cut(now));
        if !self.down.contains(&segment) {
            self.down.push(segment);
            self.routes = self.topology.routes_without(&self.down);
        }
    }

    pub(crate) fn heal(&mut self, now: Duration, segment: SegmentId) {
        self.each_way(segment, |machine| machine.heal(now));
        self.down.retain(|down| *down != segment);
        self.routes = self.topology.routes_without(&self.down);
    }

    fn each_way(&mut self, segment: SegmentId, act: impl Fn(&mut Machine<Transit>)) {
        for direction in [Direction::Up, Direction::Down] {
            let at = Self::segment_machine(segment, direction);
            let machine = &mut self.machines[at];
            act(machine);
            self.timers.note(at, machine.next_wakeup());
        }
    }

    fn set(&mut self, now: Duration, first: usize, conditions: [Conditions; 2]) {
        for (at, conditions) in (first..).zip(conditions) {
            if let Some(machine) = self.machines.get_mut(at) {
                machine.set_conditions(now, conditions);
                self.timers.note(at, machine.next_wakeup());
            }
        }
    }
}
