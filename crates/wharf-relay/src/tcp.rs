//! What TCP would make of the link, for one direction of one connection: where its way takes time, something
//! there may be lost or marked, or a window is given.

use std::time::Duration;

use wharf_link::StreamModel;
use wharf_link::stream::{Handshake, Stream};

use crate::agenda::Slot;

/// A stream of [`wharf_link::stream`], and when it wants to be asked again.
#[derive(Debug)]
pub(crate) struct Tcp {
    pub(crate) stream: Stream,
    pub(crate) slot: Slot,
}

impl Tcp {
    /// A connection that is established. `round_trip` is without what lost SYNs have cost.
    pub(crate) fn new(model: StreamModel, round_trip: Duration, handshake: Handshake) -> Self {
        Self {
            stream: Stream::new(model, round_trip, handshake),
            slot: Slot::default(),
        }
    }
}
