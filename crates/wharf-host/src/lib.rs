//! How to see this machine: sockets, processes, ports.
//!
//! Each function here asks the kernel one question and gives back facts
//! ([`wharf_facts`]). Nothing is remembered between two questions, nothing is changed, and no
//! other program is run to answer one.
//!
//! - [`sockets`] reads the kernel's table of TCP and UDP sockets by netlink (`sock_diag(7)`), in
//!   a form that we write and parse ourselves: one request, checked slices, no `unsafe`. Only
//!   the states that are asked for are copied, so a question about listeners costs about as much
//!   on a machine with 100,000 connections as on an idle one.
//! - [`process`] reads `/proc`. Processes come and go while they are looked at, so one that has
//!   vanished is an answer (`None`, or an empty list) and not an error.
//! - [`owner`] joins the two by inode number. A socket whose process we may not see is *hidden*,
//!   never free; its cgroup's path may still name its unit.
//! - [`ports`] reads the settings that say which ports the kernel gives out by itself.
//! - [`checkout`] reads of which checkout and branch a directory is, from git's own files.
//! - [`snapshot`] puts all this together, with names, interfaces, counters, containers and other
//!   network namespaces: as much as a scope wants, and never waiting longer for others than it says.
//!
//! What others control (a process's name, its command line, a file in its directory, an engine's
//! answer) is read as bytes of any form and any length: it is cut, and cannot hang or break a
//! question. Passwords are replaced before they are facts.
//!
//! Everything is as seen from the network and PID namespaces of this process. It all works
//! without privilege; privilege only lets more owners be seen.
//!
//! On macOS, Windows and the BSDs the sockets, and who has them open, come from the crate
//! `listeners`. Whatever else is missing there is answered by [`Error::Unsupported`] or by an unknown
//! that names it. Containers, cgroups, namespaces and settings are asked for on Linux only.

pub mod checkout;
mod containers;
mod error;
pub mod owner;
#[cfg(any(test, not(target_os = "linux")))]
mod portable;
pub mod ports;
pub mod process;
pub mod proxies;
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "no command lines are read there")
)]
mod redact;
mod resolver;
pub mod snapshot;
pub mod sockets;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod platform;

#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod platform;

pub use error::{Error, Result};
