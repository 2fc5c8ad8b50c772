use std::io;

use crate::LinkId;

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
    /// The relay's thread has ended.
    #[error("the relay has stopped")]
    Stopped,
}
