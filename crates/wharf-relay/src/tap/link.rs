//! What is known of a link that somebody looks at.

use wharf_capture::{Ring, RingLimits};

use super::capture::Capture;
use super::spec::Observe;

#[derive(Debug)]
pub(crate) struct LinkTap {
    pub(crate) capture: Option<Capture>,
    pub(crate) observe: Observe,
    pub(crate) ring: Ring,
}

impl LinkTap {
    pub(crate) fn new() -> Self {
        Self {
            capture: None,
            observe: Observe::Off,
            ring: Ring::new(RingLimits::default()),
        }
    }

    /// Whether its connections need no taps.
    pub(crate) fn is_idle(&self) -> bool {
        self.capture.is_none() && self.observe == Observe::Off
    }
}
