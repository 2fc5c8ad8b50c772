//! Who has sockets open, by the links in `/proc/PID/fd`.
//!
//! This is the dear part of any answer about owners: one readlink for each open file of each
//! process. So the likely processes are looked into first, several threads share the work, and who
//! needs but one owner of each socket begins with the low descriptors of every process and stops as
//! soon as each has one.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use wharf_facts::Socket;

use super::descriptors::{Span, each_socket};
use super::procfs::{path, processes};
use crate::Result;
use crate::owner::Search;

/// Fewer processes than this are not worth a thread.
const SHARE: usize = 48;
const THREADS: usize = 4;

/// What a walk found.
pub(crate) struct Found {
    /// The pids that have each inode open, in order.
    pub(crate) pids: HashMap<u64, Vec<u32>>,
    /// Whether every process was looked into that may be.
    pub(crate) is_whole: bool,
}

/// Looks for those who have `sockets` open.
///
/// # Errors
/// When the processes cannot be listed at all.
pub(crate) fn holders(sockets: &[&Socket], search: Search) -> Result<Found> {
    let wanted = Wanted::new(sockets, search);
    if wanted.inodes.is_empty() {
        return Ok(Found {
            pids: HashMap::new(),
            is_whole: true,
        });
    }
    let pids = in_order(processes()?, sockets);
    let spans: &[Span] = match search {
        Search::FirstOfEach => &[Span::Low, Span::High],
        Search::All => &[Span::All],
    };
    let steps = spans.len() * pids.len();
    let next = AtomicUsize::new(0);
    let walk = || {
        let mut found = Vec::new();
        while !wanted.is_enough() {
            let step = next.fetch_add(1, Ordering::Relaxed);
            let span = step.checked_div(pids.len()).and_then(|round| spans.get(round));
            let pid = step.checked_rem(pids.len()).and_then(|index| pids.get(index));
            let (Some(&span), Some(&pid)) = (span, pid) else {
                break;
            };
            // Not to be looked into, or gone: then it may be the owner, and the owner is hidden.
            let _ = each_socket(pid, span, |inode| {
                if wanted.take(inode) {
                    found.push((inode, pid));
                }
            });
        }
        found
    };
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(THREADS);
    let threads = threads.min(pids.len() / SHARE).max(1);
    let found: Vec<(u64, u32)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(walk)).collect();
        let mut found = walk();
        for other in others {
            found.extend(other.join().unwrap_or_default());
        }
        found
    });
    let mut by_inode: HashMap<u64, Vec<u32>> = HashMap::new();
    for (inode, pid) in found {
        by_inode.entry(inode).or_default().push(pid);
    }
    for pids in by_inode.values_mut() {
        pids.sort_unstable();
        pids.dedup();
    }
    Ok(Found {
        pids: by_inode,
        is_whole: next.into_inner() >= steps,
    })
}

/// The inodes that are looked for, and how many of them still lack an owner.
struct Wanted {
    /// For each inode, whether an owner was found.
    inodes: HashMap<u64, AtomicBool>,
    missing: AtomicUsize,
    search: Search,
}

impl Wanted {
    fn new(sockets: &[&Socket], search: Search) -> Self {
        let mut inodes = HashMap::new();
        let mut missing = 0;
        let may_see_all = may_see_all();
        let viewer = rustix::process::geteuid().as_raw();
        for socket in sockets.iter().filter(|socket| socket.inode != 0) {
            // Another user's socket is hardly to be found by one who may look into their own
            // processes only: it is noted where it is met, and not waited for.
            let is_hopeless = !may_see_all && socket.uid != viewer;
            if inodes
                .insert(socket.inode, AtomicBool::new(is_hopeless))
                .is_none()
                && !is_hopeless
            {
                missing += 1;
            }
        }
        Self {
            inodes,
            missing: AtomicUsize::new(missing),
            search,
        }
    }

    /// Whether `inode` is looked for; it has an owner now.
    fn take(&self, inode: u64) -> bool {
        let Some(found) = self.inodes.get(&inode) else {
            return false;
        };
        if !found.swap(true, Ordering::Relaxed) {
            self.missing.fetch_sub(1, Ordering::Relaxed);
        }
        true
    }

    fn is_enough(&self) -> bool {
        self.search == Search::FirstOfEach && self.missing.load(Ordering::Relaxed) == 0
    }
}

/// Whether other users' processes may be looked into (proc_pid_fd(5): PTRACE_MODE_READ_FSCREDS).
fn may_see_all() -> bool {
    use rustix::thread::{CapabilitySet, capabilities};
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_PTRACE))
}

/// The processes, likely owners first: of the sockets' users, and of these the newest first, since
/// one asks most often about what was started last.
fn in_order(pids: Vec<u32>, sockets: &[&Socket]) -> Vec<u32> {
    let users: BTreeSet<u32> = sockets.iter().map(|socket| socket.uid).collect();
    let is_likely =
        |pid: u32| fs::metadata(path(pid, "")).is_ok_and(|directory| users.contains(&directory.uid()));
    let mut ranked: Vec<(bool, Reverse<u32>)> = pids
        .into_iter()
        .map(|pid| (!is_likely(pid), Reverse(pid)))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, Reverse(pid))| pid).collect()
}
