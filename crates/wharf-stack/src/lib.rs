//! A project file, running.
//!
//! From `wharf.toml` to processes under supervision, with a live link for every arrow:
//!
//! 1. [`project`] parses the file into types that cannot hold a bad value. Pure.
//! 2. [`engine`] leases the ports, listens for the links, and takes what happens one by one.
//! 3. [`supervise`] decides who starts, restarts and stops, and when. Pure.
//! 4. [`scenario`] is a timeline of changes to links, and what they are at any moment of it. Pure.
//! 5. [`guardian`] is the process that all services descend from, and that outlives nothing.
//! 6. [`control`] is how every other `wharf` command speaks with the stack.
//!
//! What it never does: print, exit, read the user's home or environment (the caller hands
//! them in), listen off loopback, or leave a process behind.

mod aside;
pub mod cgroup;
pub mod control;
pub mod engine;
pub mod guardian;
pub mod identity;
pub mod init;
mod layout;
mod listens;
pub mod logs;
pub mod notify;
mod packets;
mod plan;
mod ports;
mod probe;
pub mod project;
pub mod pty;
pub mod rundir;
pub mod scenario;
pub mod shim;
pub mod supervise;
mod users;

pub use aside::Aside;
pub use engine::{
    Carriage, Config, Ended, Handle, Interactive, Otherwise, Source, Stack, StackError, Started,
};
pub use layout::LayoutError;
pub use packets::of_connections;
pub use plan::PlanError;
pub use ports::MAIN;
