use std::io;
use std::path::PathBuf;

/// What can go wrong with a stage. What goes wrong with a connection is passed on to its two ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// The stage could not start.
    #[error("start the HTTP stage of `{name}`: {operation}: {source}")]
    Start {
        /// The link's name.
        name: String,
        /// What it was about to do.
        operation: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A certificate cannot be checked against such a name.
    #[error("TLS to `{0}`: not a host's name")]
    ServerName(String),
    /// A file of roots could not be used.
    #[error("read the certificates of {path}: {problem}")]
    RootsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// This machine's roots could not be found.
    #[error("read this machine's trusted certificates: {0}")]
    PlatformRoots(String),
    /// TLS cannot be set up.
    #[error("set up TLS: {0}")]
    Tls(String),
}
