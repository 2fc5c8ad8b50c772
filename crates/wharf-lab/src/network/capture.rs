//! Captures of a whole network.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use wharf_link::Size;
use wharf_relay::CaptureFigures;
use wharf_topology::{SegmentId, Topology};

use super::fabric::Fabric;
use super::fabric::watch::{self, Watch};
use super::pump::Order;
use crate::error::LabError;
use crate::switch::inbox::Inbox;
use crate::switch::tap::{Spot, Tap};

/// A place of a network at which packets are seen, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A segment.
    Segment(SegmentId),
    /// A link, by its place in [`NetworkSpec::links`](super::NetworkSpec::links).
    Link(usize),
}

/// What is to be captured.
///
/// The file (pcapng) has an interface for each place, with the packets as they come out of it, at their ideal times, and
/// one more for what a place has dropped, each with its cause in its comment.
#[derive(Debug)]
pub struct NetworkCapture {
    /// Where packets are written.
    pub file: File,
    /// How large it may become. Packets beyond it are only counted.
    pub limit: Size,
    /// Whose packets are seen.
    pub passing: Vec<Place>,
    /// Whose drops are seen.
    pub dropped: Vec<Place>,
}

/// A capture under way. Dropped, it ends.
#[derive(Debug)]
pub struct Capturing {
    number: u64,
    tap: Tap,
    inbox: Arc<Inbox<Order>>,
}

/// Begins a capture: its file, and what the fabric is to tell of.
pub(super) fn begin(
    capture: NetworkCapture,
    number: u64,
    topology: &Topology,
    links: &[String],
    inbox: &Arc<Inbox<Order>>,
) -> Result<Capturing, LabError> {
    let tap = Tap::begin(capture.file, capture.limit).map_err(LabError::io("begin the capture"))?;
    let name = |place: Place| match place {
        Place::Segment(segment) => topology[segment].name.clone(),
        Place::Link(link) => links.get(link).cloned().unwrap_or_default(),
    };
    let mut places: HashMap<usize, watch::Place> = HashMap::new();
    let mut add = |place: Place, spots: Option<[Spot; 2]>, put: fn(&mut watch::Place, Spot)| {
        let machines = Fabric::machines_of(topology, place);
        for (machine, spot) in machines.into_iter().zip(spots.into_iter().flatten()) {
            let entry = places.entry(machine).or_insert_with(|| watch::Place {
                name: name(place),
                passing: None,
                dropped: None,
            });
            put(entry, spot);
        }
    };
    for &place in &capture.passing {
        let spots = tap.spots(&name(place), "what comes out of it");
        add(place, spots, |entry, spot| entry.passing = Some(spot));
    }
    for &place in &capture.dropped {
        let spots = tap.spots(&format!("dropped by {}", name(place)), "what it dropped, and why");
        add(place, spots, |entry, spot| entry.dropped = Some(spot));
    }
    inbox.send(Order::Watch(Box::new(Watch {
        number,
        tap: tap.clone(),
        places,
    })));
    Ok(Capturing {
        number,
        tap,
        inbox: Arc::clone(inbox),
    })
}

impl Capturing {
    /// How far it has come.
    #[must_use]
    pub fn figures(&self) -> CaptureFigures {
        self.tap.figures()
    }

    /// Ends it: the file is whole when this returns. `None`: it had ended before.
    ///
    /// # Errors
    /// When the file could not be written.
    pub fn finish(&self) -> io::Result<Option<CaptureFigures>> {
        let (done, told) = sync_channel(1);
        self.inbox.send(Order::Unwatch(self.number, done));
        // A switch that has ended tells nothing any more, either.
        let _ = told.recv();
        self.tap.finish().transpose()
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}
