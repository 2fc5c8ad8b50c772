//! What can go wrong when one looks.

use std::io;
use std::path::PathBuf;

/// The result of a question.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call on the netlink socket failed, or the kernel refused the question.
    #[error("{operation}: {source}")]
    Netlink {
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel's answer does not have the form that its headers give it.
    #[error("{operation}: the kernel's answer is malformed: {detail}")]
    Malformed {
        /// What was tried.
        operation: &'static str,
        /// What is wrong with the answer.
        detail: &'static str,
    },
    /// A file could not be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file was read, and does not say what such a file says.
    #[error("read {}: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with its text.
        detail: String,
    },
    /// A library that asks the system for us failed.
    #[error("{operation}: {detail}")]
    Library {
        /// What was tried.
        operation: &'static str,
        /// What it said.
        detail: String,
    },
    /// This operating system cannot be asked yet.
    #[error("{operation}: not supported on {} yet", std::env::consts::OS)]
    Unsupported {
        /// What was asked.
        operation: &'static str,
    },
}
