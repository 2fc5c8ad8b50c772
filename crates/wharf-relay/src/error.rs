use std::io;

use crate::{LinkId, SegmentId};

/// What can go wrong with a relay. What goes wrong with a connection is passed on to its two ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The relay could not start.
    #[error("start a relay: {operation}: {source}")]
    Start {
        /// What it was about to do.
        operation: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A listener could not be used.
    #[error("link `{link}`: {operation} {address}: {source}")]
    Listener {
        /// The link's name.
        link: String,
        /// What the relay was about to do.
        operation: &'static str,
        /// The listener's address.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// There is no such link (any more).
    #[error("no link {0} in this relay")]
    NoSuchLink(LinkId),
    /// There is no such segment (any more).
    #[error("no segment {0} in this relay")]
    NoSuchSegment(SegmentId),
    /// A segment cannot be removed while a link runs over it.
    #[error("remove segment `{segment}`: link `{link}` runs over it")]
    SegmentInUse {
        /// The segment's name.
        segment: String,
        /// The link's name.
        link: String,
    },
    /// A capture could not be begun, or its file not be written.
    #[error("capture link `{link}`: {source}")]
    Capture {
        /// The link's name.
        link: String,
        /// Why not.
        source: io::Error,
    },
    /// The relay's thread has ended.
    #[error("the relay has stopped")]
    Stopped,
}
