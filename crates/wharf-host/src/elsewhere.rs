//! Where nothing can be seen yet: macOS, Windows and the rest. Each question is answered by what
//! is missing. macOS needs `proc_pidfdinfo` and `sysctl`, Windows `GetExtendedTcpTable`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;

use wharf_facts::{PortRange, Process, Protocol, Socket};

use crate::sockets::States;
use crate::{Error, Result};

fn unsupported<T>(operation: &'static str) -> Result<T> {
    Err(Error::Unsupported { operation })
}

pub(crate) fn sockets(_: Protocol, _: States) -> Result<Vec<Socket>> {
    unsupported("list sockets")
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

pub(crate) fn describe(_: u32) -> Option<Process> {
    None
}

pub(crate) fn cgroup_id(_: u32) -> Option<u64> {
    None
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
