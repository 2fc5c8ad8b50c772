//! What TCP would make of the link, for one direction of one connection: where something on its way may
//! be lost or marked, or a window is given.

use std::time::Duration;

use wharf_link::stream::{Congestion, Handshake, Settings, Stream};
use wharf_link::{Conditions, Discipline};

use crate::agenda::Slot;

/// A stream of [`wharf_link::stream`], and when it wants to be asked again.
#[derive(Debug)]
pub(crate) struct Tcp {
    pub(crate) stream: Stream,
    pub(crate) slot: Slot,
}

impl Tcp {
    /// A connection that is established over a way of these conditions. `round_trip` is without what
    /// lost SYNs have cost.
    pub(crate) fn new(conditions: &Conditions, round_trip: Duration, handshake: Handshake) -> Self {
        let settings = Settings {
            window: conditions.stream.window,
            congestion: match conditions.stream.congestion {
                wharf_link::Congestion::Reno => Congestion::Reno,
                wharf_link::Congestion::Bbr => Congestion::Bbr,
                _ => Congestion::Cubic,
            },
            ..Settings::default()
        };
        Self {
            stream: Stream::new(settings, round_trip, handshake),
            slot: Slot::default(),
        }
    }
}

/// Whether streams over such conditions need one.
pub(crate) fn is_needed(conditions: &Conditions) -> bool {
    conditions.loss.is_some()
        || conditions.discipline != Discipline::DropTail
        || conditions.stream.window.is_some()
}
