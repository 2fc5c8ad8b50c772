//! What a lane tells of its packets, while somebody captures them.

use std::time::Duration;

use wharf_link::{Cause, Delivery};
use wharf_packet::VnetHeader;

use crate::switch::parcel::Parcel;
use crate::switch::stage::Stages;
use crate::switch::tap::{End, Fate, Spot, Tap, When};

/// A packet that leaves so much after its ideal time, since the machine was busy, has that in its comment.
const LATE: Duration = Duration::from_millis(1);

/// Where a lane's packets are looked at.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) tap: Tap,
    /// Before each stage and behind the last one: whether packets are seen there.
    pub(crate) points: Vec<Option<Spot>>,
    /// Of each stage: its name, and where what it drops is seen, if it is.
    pub(crate) segments: Vec<(String, Option<Spot>)>,
}

impl Watch {
    /// A packet comes to the stage at this position, or leaves behind the last one.
    pub(super) fn passes(&self, position: usize, when: When, header: &VnetHeader, bytes: &[u8], story: &str) {
        if let Some(Some(spot)) = self.points.get(position) {
            self.tap.note(*spot, when, header, bytes, Fate::Passes(story));
        }
    }

    /// A packet goes no further than into the stage at this position.
    pub(super) fn ends(&self, position: usize, when: When, header: &VnetHeader, bytes: &[u8], end: End) {
        if let Some((name, Some(spot))) = self.segments.get(position) {
            self.tap.note(*spot, when, header, bytes, Fate::Ends(name, end));
        }
    }

    /// A stage refused a packet.
    pub(super) fn refused(
        &self,
        position: usize,
        at: Duration,
        parcel: &Parcel,
        cause: Cause,
        stages: &Stages,
    ) {
        if let Some(end) = stages.end(position, cause, None) {
            self.ends(position, When::At(at), &parcel.header, &parcel.bytes, end);
        }
    }

    /// What the stage at this position has dropped of what it had accepted. Times are those since `start`.
    pub(super) fn dropped(&self, position: usize, start: Duration, stages: &mut Stages) {
        while let Some(dropped) = stages.take_dropped(position) {
            let waited = dropped.time.saturating_sub(dropped.since);
            if let Some(end) = stages.end(position, dropped.cause, Some(waited)) {
                let Parcel { header, bytes, .. } = &dropped.packet;
                self.ends(
                    position,
                    When::At(start.saturating_add(dropped.time)),
                    header,
                    bytes,
                    end,
                );
            }
        }
    }

    /// Whether what is dropped is seen.
    pub(super) fn sees_drops(&self) -> bool {
        self.segments.iter().any(|(_, spot)| spot.is_some())
    }

    /// A packet leaves so much after its ideal time.
    pub(super) fn tell_late(&self, late: Duration, parcel: &mut Parcel) {
        if late >= LATE {
            let millis = late.as_secs_f64() * 1000.0;
            parcel.story.add(format_args!("{millis:.3} ms late"));
        }
    }

    /// Adds to a packet's story what the stage at this position has done to it.
    pub(super) fn tell(&self, position: usize, delivery: &mut Delivery<Parcel>) {
        let Some((name, _)) = self.segments.get(position) else {
            return;
        };
        let story = &mut delivery.packet.story;
        if delivery.ce {
            story.add(format_args!("marked CE by {name}"));
        }
        if let Some(bit) = delivery.corrupt {
            // As the carrier does it: a bit beyond the packet's end is counted on from its beginning.
            let bits = (delivery.packet.bytes.len() as u64 * 8).max(1);
            story.add(format_args!("corrupted by {name} (bit {})", bit % bits));
        }
    }

    /// What is said of the second packet of a pair.
    pub(super) fn tell_copy(&self, position: usize, parcel: &mut Parcel) {
        if let Some((name, _)) = self.segments.get(position) {
            parcel.story.add(format_args!("duplicated by {name}"));
        }
    }
}
