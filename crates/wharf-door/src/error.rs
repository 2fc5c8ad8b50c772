//! What can go wrong before a door stands.

use std::io;
use std::path::PathBuf;

use crate::Lost;

/// Why a door could not be started.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// An operation on a file of the run directory failed.
    #[error("{operation} {}: {source}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The run directory is open to others, who could then take the door's place.
    #[error("use {} as run directory: {problem}", path.display())]
    RunDir {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Neither loopback address could be had, and there is no fallback.
    #[error("serve the door: {}", lost.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoAddress {
        /// Each address and why it could not be had.
        lost: Vec<Lost>,
    },
    /// The fallback gave no listener.
    #[error("serve the door on a lease: {0}")]
    Fallback(io::Error),
    /// A thread or the event loop could not be made.
    #[error("start the door's thread: {0}")]
    Thread(io::Error),
}

impl DoorError {
    pub(crate) fn file(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            operation,
            path,
            source,
        }
    }
}
