//! The guardian: the process that every service of a stack descends from.
//!
//! It is `wharf` executed again, in a session of its own, a child subreaper
//! (`PR_SET_CHILD_SUBREAPER`, prctl(2)): whatever a service forks, daemonizes or orphans is
//! its child in the end. It does what it is told over a Unix socket, which is its standard
//! input: start a service, signal one, kill one whole. When that socket ends, however Wharf
//! ended, it kills all of its descendants and reaps until none is left.
//!
//! - `frame`: how a message and its descriptors travel over the socket.
//! - `serve`: the guardian's own loop, single-threaded, so that no descriptor leaks from
//!   one service into another and so that PDEATHSIG means its process, not a thread.
//! - [`client`]: Wharf's end.
//! - [`family`]: which processes belong to a service, and how a family is ended.
//!
//! It never decides: when to start, restart or stop is the supervisor's.

pub mod client;
pub mod family;
mod frame;
mod serve;

pub use client::{Guardian, GuardianError};
pub use frame::{Launch, Report};
pub use serve::run;

/// The environment variable that marks each process of a run: the run's id.
pub const RUN_ID_VAR: &str = "WHARF_RUN_ID";
/// The environment variable that marks each process of one start of one service.
pub const INSTANCE_VAR: &str = "WHARF_INSTANCE";
