//! Reno (RFC 5681), counting bytes as RFC 3465 does, so that delayed ACKs make no difference.

use super::Window;

#[derive(Debug, Clone)]
pub(super) struct Reno;

impl Reno {
    /// One segment more for each window that is delivered.
    #[expect(clippy::unused_self, reason = "the shape of its sibling")]
    pub(super) fn avoid(&self, window: &mut Window, segments: f64) {
        window.size += segments / window.size;
    }

    #[expect(clippy::unused_self, reason = "the shape of its sibling")]
    pub(super) fn reduce(&self, window: &mut Window) {
        window.threshold = window.size / 2.0;
    }
}
