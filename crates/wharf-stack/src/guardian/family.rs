//! Which processes belong together, and how a family is ended.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use wharf_host::process;

use super::INSTANCE_VAR;

/// How often a family that is being ended is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// A process that SIGKILL has not ended by then hangs in the kernel (state D): waiting on
/// would only hide it.
const GIVE_UP: Duration = Duration::from_secs(20);
/// For so long init is given to reap what is over: kill(2) finds a zombie, and so PostgreSQL
/// takes one for a living server on its data.
const REAPED_WITHIN: Duration = Duration::from_secs(2);

/// The first process of one start of a service: the leader of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leader {
    /// It runs, or waits to be reaped: the pid is its own.
    There(u32),
    /// It was reaped: only its session may still bear the number.
    Reaped(u32),
}

/// The processes of one start of one service, as the guardian sees them: the tree under the
/// process that was launched, and each orphan that came to the guardian and bears its mark.
#[must_use]
pub fn of_instance(guardian: u32, leader: Leader, instance: &str) -> BTreeSet<u32> {
    let (mut members, session): (BTreeSet<u32>, u32) = match leader {
        Leader::There(pid) => (process::tree(pid).into_iter().collect(), pid),
        Leader::Reaped(pid) => (BTreeSet::new(), pid),
    };
    for child in process::children(guardian) {
        // setproctitle() may overwrite the environment; the session outlives it.
        if bears(child, INSTANCE_VAR, instance) || session_of(child) == Some(session) {
            members.extend(process::tree(child));
        }
    }
    members
}

fn bears(pid: u32, variable: &str, mark: &str) -> bool {
    process::environ_value(pid, variable).is_some_and(|value| value == mark)
}

fn session_of(pid: u32) -> Option<u32> {
    let session = rustix::process::getsid(Some(raw(pid)?)).ok()?;
    u32::try_from(session.as_raw_nonzero().get()).ok()
}

/// The kernel's pid of a pid: none for 0 and what no kernel gives out.
pub(super) fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Whether the process has ended and only waits to be reaped.
pub(super) fn is_zombie(pid: u32) -> bool {
    process::start_time(pid).is_none_or(|start| !process::is_alive(pid, start))
}

/// Sends SIGKILL to each of these, as far as they are there.
pub fn kill(pids: impl IntoIterator<Item = u32>) {
    for pid in pids.into_iter().filter_map(raw) {
        // ESRCH: it ended by itself. EPERM: it became another user's (setuid); said by
        // whoever finds it still there.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Kills all descendants of this process, and reaps until none is left. Returns those that
/// would not go.
#[must_use]
pub fn end_descendants(own_pid: u32) -> BTreeSet<u32> {
    let begun = Instant::now();
    loop {
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        let mut left: BTreeSet<u32> = process::tree(own_pid).into_iter().collect();
        left.remove(&own_pid);
        if left.is_empty() || begun.elapsed() > GIVE_UP {
            return left;
        }
        kill(left);
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Kills what bears the mark of a run whose Wharf and guardian are both gone, and waits until
/// it is over. Only processes that began after the run did: a pid or a mark may be somebody's
/// copy.
pub fn sweep_run(run_id: &str, began: u64) -> usize {
    let begun = Instant::now();
    let mut ended: BTreeSet<(u32, u64)> = BTreeSet::new();
    let mut over_since: Option<Instant> = None;
    loop {
        let marked: Vec<(u32, u64)> = process::all()
            .unwrap_or_default()
            .into_iter()
            .filter(|pid| bears(*pid, super::RUN_ID_VAR, run_id) && !is_zombie(*pid))
            .filter_map(|pid| Some((pid, process::start_time(pid)?)))
            .filter(|(_, start)| *start >= began)
            .collect();
        // A process that exits gives its memory up first, its environment with it, and its
        // sockets later (do_exit in kernel/exit.c): one that bears no mark any more may still
        // have its port.
        if !(marked.is_empty() && ended.iter().all(|(pid, start)| is_over(*pid, *start))) {
            over_since = None;
        }
        let is_there = |(pid, start): &(u32, u64)| process::start_time(*pid) == Some(*start);
        let over_for = over_since.get_or_insert_with(Instant::now).elapsed();
        let all_reaped = marked.is_empty() && !ended.iter().any(is_there);
        if all_reaped || over_for > REAPED_WITHIN || begun.elapsed() > GIVE_UP {
            return ended.len();
        }
        ended.extend(marked.iter().copied());
        kill(marked.into_iter().map(|(pid, _)| pid));
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Whether a process has given back all it had: it is gone, or a zombie without other threads.
fn is_over(pid: u32, start: u64) -> bool {
    let threads = || std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    !process::is_alive(pid, start) && (process::start_time(pid) != Some(start) || threads() <= 1)
}
