//! macOS, Windows and the rest: sockets and their owners by [`crate::portable`]. Each other question
//! is answered by what is missing.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::net::SocketAddr;

use wharf_facts::{
    Counters, Interface, Limits, NetNamespace, PortRange, Process, ProcessFacts, Protocol, Seen, Settings,
    Socket, System, Timer, Viewer,
};

use crate::owner::Search;
use crate::portable::{self, Program};
use crate::snapshot::Detail;
use crate::sockets::States;
use crate::{Error, Result};

fn unsupported<T>(operation: &'static str) -> Result<T> {
    Err(Error::Unsupported { operation })
}

pub(crate) fn sockets(protocol: Protocol, states: States) -> Result<Vec<Socket>> {
    let entries = entries(protocol, states, Wanted::All)?;
    Ok(entries.into_iter().map(|(socket, _)| socket).collect())
}

pub(crate) fn tcp_connection(_: SocketAddr, _: SocketAddr) -> Result<Option<Socket>> {
    unsupported("look up a connection")
}

pub(crate) fn processes() -> Result<Vec<u32>> {
    unsupported("list processes")
}

pub(crate) fn start_time(_: u32) -> Option<u64> {
    None
}

/// Without a start time there is only the pid to go by, which may be another process's by now.
#[cfg(unix)]
pub(crate) fn is_alive(pid: u32, _: u64) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // EPERM: there is one, and it is not ours.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Nothing can be seen, and a lease that is kept too long harms less than one that is taken.
#[cfg(not(unix))]
pub(crate) fn is_alive(_: u32, _: u64) -> bool {
    true
}

pub(crate) fn children(_: u32) -> Vec<u32> {
    Vec::new()
}

pub(crate) fn environ_value(_: u32, _: &str) -> Option<OsString> {
    None
}

pub(crate) fn socket_inodes(_: u32) -> Result<BTreeSet<u64>> {
    unsupported("list a process's sockets")
}

/// Only those that have a socket open are known.
pub(crate) fn describe(pid: u32) -> Option<Process> {
    programs().get(&pid).map(|program| program.card(pid))
}

/// The processes that have sockets open.
fn programs() -> HashMap<u32, Program> {
    let entries = portable::entries().unwrap_or_default();
    entries.into_iter().flat_map(|entry| entry.owners).collect()
}

pub(crate) fn cgroup_id(_: u32) -> Option<u64> {
    None
}

/// cgroups are Linux's.
pub(crate) fn cgroup_paths(_: &BTreeSet<u64>) -> HashMap<u64, String> {
    HashMap::new()
}

pub(crate) fn ephemeral_range() -> Result<PortRange> {
    unsupported("read the ephemeral port range")
}

pub(crate) fn reserved_ports() -> Result<Vec<PortRange>> {
    unsupported("read the reserved ports")
}

pub(crate) fn unprivileged_start() -> Result<u16> {
    unsupported("read the least unprivileged port")
}

pub(crate) type Entry = (Socket, Option<Timer>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    Port(u16),
}

/// The peers' ports are not told: of a port there is only its own end.
pub(crate) fn entries(protocol: Protocol, states: States, wanted: Wanted) -> Result<Vec<Entry>> {
    let is_wanted = |socket: &Socket| match wanted {
        Wanted::All => true,
        Wanted::Port(port) => socket.local.port() == port,
    };
    let entries = portable::entries()?.into_iter().map(|entry| entry.socket);
    Ok(entries
        .filter(|socket| socket.protocol == protocol && states.contains(socket.state) && is_wanted(socket))
        .map(|socket| (socket, None))
        .collect())
}

/// What a walk found.
pub(crate) struct Found {
    pub(crate) pids: HashMap<u64, Vec<u32>>,
    pub(crate) is_whole: bool,
}

/// Never the whole: other users' processes are not looked into.
pub(crate) fn holders(_: &[&Socket], _: Search) -> Result<Found> {
    let entries = portable::entries()?.into_iter();
    Ok(Found {
        pids: entries
            .map(|entry| (entry.socket.inode, entry.owners.into_keys().collect()))
            .collect(),
        is_whole: false,
    })
}

pub(crate) struct Reader {
    programs: HashMap<u32, Program>,
}

impl Reader {
    pub(crate) fn new(_: Detail) -> Self {
        Self { programs: programs() }
    }

    pub(crate) fn read(&mut self, pid: u32) -> Option<ProcessFacts> {
        let program = self.programs.get(&pid)?.clone();
        Some(ProcessFacts {
            pid,
            name: program.name,
            exe: Seen::Known(program.path),
            started_at: unseen("read when a process started"),
            uid: unseen("read a process's user"),
            user: unseen("read a process's user"),
            command: unseen("read a process's command line"),
            cwd: unseen("read a process's directory"),
            checkout: unseen("read a process's directory"),
            cgroup: Seen::unknown("cgroups are Linux's"),
            netns: Seen::unknown("network namespaces are Linux's"),
            environment: unseen("read a process's environment"),
            descriptors: unseen("count a process's descriptors"),
            memory: unseen("read a process's memory"),
            ..ProcessFacts::default()
        })
    }
}

fn unseen<T>(what: &str) -> Seen<T> {
    Seen::unknown(format_args!(
        "{what}: not supported on {} yet",
        std::env::consts::OS
    ))
}

pub(crate) fn system() -> System {
    System {
        os: Seen::Known(std::env::consts::OS.to_owned()),
        #[cfg(unix)]
        kernel: Seen::Known(rustix::system::uname().release().to_string_lossy().into_owned()),
        #[cfg(not(unix))]
        kernel: unseen("read the kernel's release"),
        distribution: unseen("read the distribution's name"),
        #[cfg(unix)]
        hostname: Seen::Known(rustix::system::uname().nodename().to_string_lossy().into_owned()),
        #[cfg(not(unix))]
        hostname: unseen("read the machine's name"),
        booted_at: unseen("read when the machine was started"),
        ticks_per_second: unseen("read the clock's unit"),
        inside: unseen("see what this system runs inside"),
        netns: unseen("see the network namespace"),
    }
}

pub(crate) fn viewer() -> Viewer {
    let cwd = std::env::current_dir();
    Viewer {
        #[cfg(unix)]
        uid: Seen::Known(rustix::process::geteuid().as_raw()),
        #[cfg(not(unix))]
        uid: Seen::unknown("users have no number on this system"),
        user: unseen("read the user's name"),
        pid: Seen::Known(std::process::id()),
        checkout: match &cwd {
            Ok(cwd) => crate::checkout::of(cwd),
            Err(error) => Seen::unknown(error),
        },
        cwd: cwd.map(|cwd| cwd.display().to_string()).into(),
        capabilities: unseen("read the capabilities"),
    }
}

pub(crate) fn limits() -> Limits {
    Limits {
        descriptors: unseen("read the limit of descriptors"),
        descriptors_hard: unseen("read the limit of descriptors"),
        files: unseen("count open files"),
        inotify_watches: Seen::unknown("inotify is Linux's"),
        inotify_instances: Seen::unknown("inotify is Linux's"),
    }
}

pub(crate) fn settings() -> Settings {
    about_ports()
}

pub(crate) fn about_ports() -> Settings {
    Settings {
        ephemeral: unseen("read the ephemeral port range"),
        reserved: unseen("read the reserved ports"),
        unprivileged_start: unseen("read the least unprivileged port"),
        ..Settings::default()
    }
}

pub(crate) fn counters() -> Seen<Counters> {
    unseen("read the kernel's counters")
}

pub(crate) fn interfaces() -> Result<Vec<Interface>> {
    unsupported("list network interfaces")
}

pub(crate) fn namespaces() -> Result<Vec<NetNamespace>> {
    unsupported("list network namespaces")
}
