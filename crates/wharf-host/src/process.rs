//! Processes.
//!
//! A pid alone names a process only until it ends: then the number may be given to another. What
//! is kept for later is therefore always the pair of pid and start time.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;

use wharf_facts::Process;

use crate::{Result, platform};

/// The pids of every process that can be seen.
///
/// # Errors
/// When they cannot be listed.
pub fn all() -> Result<Vec<u32>> {
    platform::processes()
}

/// When `pid` started, in clock ticks since boot; `None` when there is no such process.
#[must_use]
pub fn start_time(pid: u32) -> Option<u64> {
    platform::start_time(pid)
}

/// Whether the process that had `pid` and `start_time` still runs. A zombie does not.
#[must_use]
pub fn is_alive(pid: u32, start_time: u64) -> bool {
    platform::is_alive(pid, start_time)
}

/// The children of `pid`, of all its threads. Empty when there is no such process.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    platform::children(pid)
}

/// `pid` and all its descendants, parents before their children.
///
/// A descendant whose parent has ended belongs to another parent by then (to init, or to a
/// subreaper), and is found below that one.
#[must_use]
pub fn tree(pid: u32) -> Vec<u32> {
    let mut seen = BTreeSet::from([pid]);
    let mut order = Vec::new();
    let mut waiting = VecDeque::from([pid]);
    while let Some(next) = waiting.pop_front() {
        order.push(next);
        // A pid may be used again while we walk: visiting each once keeps this finite.
        waiting.extend(children(next).into_iter().filter(|&child| seen.insert(child)));
    }
    order
}

/// The value of the variable `key` in the environment that `pid` was started with; `None` when
/// it has none, may not be looked into, or is gone.
#[must_use]
pub fn environ_value(pid: u32, key: &str) -> Option<OsString> {
    platform::environ_value(pid, key)
}

/// The inode numbers of the sockets that `pid` has open. Empty when there is no such process.
///
/// # Errors
/// When the process is there and may not be looked into.
pub fn socket_inodes(pid: u32) -> Result<BTreeSet<u64>> {
    platform::socket_inodes(pid)
}

/// What can be seen of `pid`; `None` when there is no such process.
#[must_use]
pub fn describe(pid: u32) -> Option<Process> {
    platform::describe(pid)
}

/// The id of the (version 2) cgroup that `pid` is in, as [`wharf_facts::Socket::cgroup`] has it;
/// `None` where there is no such hierarchy or no such process.
#[must_use]
pub fn cgroup_id(pid: u32) -> Option<u64> {
    platform::cgroup_id(pid)
}
