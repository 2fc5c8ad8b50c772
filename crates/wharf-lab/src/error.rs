//! What can go wrong with a lab.

use std::io;

use crate::message::Trouble;

/// Why there is no lab, or none any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The kernel does not give what a lab needs, or not to this user.
    #[error("{error}")]
    Refused {
        /// Operation, subject, reason.
        error: String,
        /// What can be done.
        hint: Option<String>,
    },
    /// Something of our own failed.
    #[error("{operation}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The relay at the gateway did not start.
    #[error(transparent)]
    Relay(#[from] wharf_relay::Error),
    /// A process of the lab was killed.
    #[error("run the command: the lab's {0} was killed, and the command with it")]
    Killed(&'static str),
    /// A capture is to be at a router that there is not.
    #[error("capture at router {number}: the path has {routers}, one between each two segments")]
    NoRouter {
        /// Which.
        number: usize,
        /// How many there are.
        routers: usize,
    },
    /// A capture could not be written.
    #[error("write the capture: {0}")]
    Capture(io::Error),
    /// The switch's thread has panicked.
    #[error("say what has passed: the lab's switch has ended early, which is a bug of Wharf's")]
    NoSwitch,
    /// It is Linux's.
    #[error("start a lab: network namespaces are Linux's")]
    Unsupported,
}

impl LabError {
    /// What can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn io(operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { operation, source }
    }
}

impl From<Trouble> for LabError {
    fn from(trouble: Trouble) -> Self {
        Self::Refused {
            error: trouble.error,
            hint: trouble.hint,
        }
    }
}
