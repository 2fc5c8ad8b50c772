//! Where a service really listens.
//!
//! A service is told a port and may do otherwise: ignore it, move on by one because it thought the
//! port was taken, or listen on other addresses. What counts is the kernel's table.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use wharf_facts::{Owner, Socket};
use wharf_host::{Result, owner, process, sockets};

use crate::registry::loopback;

/// By what a service's sockets are known as its own: either is enough.
#[derive(Debug, Clone, Copy, Default)]
pub struct Service<'a> {
    /// Its processes.
    pub pids: &'a [u32],
    /// The cgroup that it alone is in.
    pub cgroup: Option<u64>,
}

/// Where a service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// On the port that it was told, at these addresses.
    AsTold(Vec<SocketAddr>),
    /// At these addresses, and not on the port that it was told.
    Elsewhere(Vec<SocketAddr>),
    /// Nowhere, and nobody else on its port either.
    NotYet,
    /// Nowhere, and this one listens on its port.
    Foreign(Owner),
}

/// Finds where `service`, which was told `expected`, listens.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn listener_of(service: Service<'_>, expected: u16) -> Result<Verdict> {
    let listeners = sockets::listeners()?;
    let mut inodes = BTreeSet::new();
    for &pid in service.pids {
        // One that may not be looked into may still be known by its cgroup.
        inodes.extend(process::socket_inodes(pid).unwrap_or_default());
    }
    let verdict = judge(&listeners, &inodes, service.cgroup, expected);
    Ok(match verdict {
        Judgement::Ours(verdict) => verdict,
        Judgement::Foreign(socket) => Verdict::Foreign(owner::of(socket)?),
    })
}

enum Judgement<'a> {
    Ours(Verdict),
    Foreign(&'a Socket),
}

fn judge<'a>(
    listeners: &'a [Socket],
    inodes: &BTreeSet<u64>,
    cgroup: Option<u64>,
    expected: u16,
) -> Judgement<'a> {
    let is_ours =
        |socket: &&Socket| inodes.contains(&socket.inode) || (cgroup.is_some() && socket.cgroup == cgroup);
    let (told, elsewhere): (Vec<_>, Vec<_>) = listeners
        .iter()
        .filter(is_ours)
        .map(|socket| socket.local)
        .partition(|address| address.port() == expected);
    if !told.is_empty() {
        return Judgement::Ours(Verdict::AsTold(told));
    }
    if !elsewhere.is_empty() {
        return Judgement::Ours(Verdict::Elsewhere(elsewhere));
    }
    let on_its_port = listeners
        .iter()
        .find(|socket| loopback(expected).iter().any(|&at| socket.covers(at)));
    on_its_port.map_or(Judgement::Ours(Verdict::NotYet), Judgement::Foreign)
}
