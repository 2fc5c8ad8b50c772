//! What a fabric tells of its packets, while somebody captures them.

use std::collections::HashMap;
use std::time::Duration;

use wharf_link::{Cause, Delivery, Machine};

use super::transit::Transit;
use crate::switch::parcel::Parcel;
use crate::switch::tap::{End, Fate, Spot, Tap, When};

/// A capture: which machines it looks at.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) number: u64,
    pub(crate) tap: Tap,
    pub(crate) places: HashMap<usize, Place>,
}

/// A machine that is looked at: one direction of a segment or link.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    /// Where what comes out of it is seen.
    pub(crate) passing: Option<Spot>,
    /// Where what it drops is seen.
    pub(crate) dropped: Option<Spot>,
}

/// All captures under way.
#[derive(Debug, Default)]
pub(super) struct Watches {
    all: Vec<Watch>,
    /// What the monotonic clock said when the fabric began.
    start: Duration,
}

impl Watches {
    pub(super) fn new(start: Duration) -> Self {
        Self {
            all: Vec::new(),
            start,
        }
    }

    pub(super) fn add(&mut self, watch: Watch) {
        self.all.push(watch);
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.all.retain(|watch| watch.number != number);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether anybody wants to see what a machine drops.
    pub(super) fn sees_drops_of(&self, machine: usize) -> bool {
        let mut places = self.all.iter().filter_map(|watch| watch.places.get(&machine));
        places.any(|place| place.dropped.is_some())
    }

    /// A packet comes out of a machine.
    pub(super) fn passes(&self, machine: usize, time: Duration, parcel: &Parcel) {
        for watch in &self.all {
            if let Some(Place {
                passing: Some(spot), ..
            }) = watch.places.get(&machine)
            {
                let when = When::At(self.start.saturating_add(time));
                let fate = Fate::Passes(parcel.story.text());
                watch.tap.note(*spot, when, &parcel.header, &parcel.bytes, fate);
            }
        }
    }

    /// A packet goes no further than into a machine.
    pub(super) fn ends(&self, machine: usize, time: Duration, parcel: &Parcel, end: End) {
        for watch in &self.all {
            if let Some(Place {
                name,
                dropped: Some(spot),
                ..
            }) = watch.places.get(&machine)
            {
                let when = When::At(self.start.saturating_add(time));
                let fate = Fate::Ends(name, end);
                watch.tap.note(*spot, when, &parcel.header, &parcel.bytes, fate);
            }
        }
    }

    /// A machine dropped a packet at its entrance.
    pub(super) fn refused(
        &self,
        at: usize,
        time: Duration,
        machine: &Machine<Transit>,
        parcel: &Parcel,
        cause: Cause,
    ) {
        self.ends(at, time, parcel, End::of(machine, cause, None));
    }

    /// What a machine has dropped of what it had accepted.
    pub(super) fn dropped(&self, at: usize, machine: &mut Machine<Transit>) {
        while let Some(dropped) = machine.take_dropped() {
            let waited = dropped.time.saturating_sub(dropped.since);
            let end = End::of(machine, dropped.cause, Some(waited));
            self.ends(at, dropped.time, &dropped.packet.parcel, end);
        }
    }

    /// Adds to a packet's story what a machine has done to it.
    pub(super) fn tell(&self, machine: usize, delivery: &mut Delivery<Transit>) {
        let Some(name) = self.name_of(machine) else { return };
        let story = &mut delivery.packet.parcel.story;
        if delivery.ce {
            story.add(format_args!("marked CE by {name}"));
        }
        if delivery.corrupt.is_some() {
            story.add(format_args!("corrupted by {name}"));
        }
    }

    /// What is said of the second packet of a pair.
    pub(super) fn tell_copy(&self, machine: usize, parcel: &mut Parcel) {
        if let Some(name) = self.name_of(machine) {
            parcel.story.add(format_args!("duplicated by {name}"));
        }
    }

    fn name_of(&self, machine: usize) -> Option<&str> {
        let mut places = self.all.iter().filter_map(|watch| watch.places.get(&machine));
        places.next().map(|place| place.name.as_str())
    }

    /// Hands over what was noted.
    pub(super) fn flush(&self) {
        for watch in &self.all {
            watch.tap.flush();
        }
    }
}
