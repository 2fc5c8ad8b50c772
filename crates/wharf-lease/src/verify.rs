//! Where a service really listens.
//!
//! A service is told a port and may do otherwise: ignore it, move on by one because it thought the
//! port was taken, or listen on other addresses. What counts is the kernel's table.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use wharf_facts::{Owner, Socket, TcpState};
use wharf_host::{Result, owner, ports, process, sockets};

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

/// Finds where `service`, which was told `expected`, listens for connections.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn listener_of(service: Service<'_>, expected: u16) -> Result<Verdict> {
    let listeners = sockets::listeners()?;
    verdict(&listeners, service, expected, |_| true)
}

/// Finds where `service`, which was told `expected`, takes datagrams.
///
/// A socket for datagrams that is not connected may be a server's or a client's, and nothing in the
/// kernel tells which. One at a port that the kernel chose is taken for a client's, as long as it is
/// not the port that the service was told.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn receiver_of(service: Service<'_>, expected: u16) -> Result<Verdict> {
    let mut receivers = sockets::udp()?;
    receivers.retain(|socket| socket.state == TcpState::Close);
    let chosen = ports::ephemeral_range()?;
    verdict(&receivers, service, expected, |port| !chosen.contains(port))
}

/// Where of `sockets` those of a service are. Those at other ports than it was told count only where
/// `counts` says so.
fn verdict(
    sockets: &[Socket],
    service: Service<'_>,
    expected: u16,
    counts: impl Fn(u16) -> bool,
) -> Result<Verdict> {
    let mut inodes = BTreeSet::new();
    for &pid in service.pids {
        // One that may not be looked into may still be known by its cgroup.
        inodes.extend(process::socket_inodes(pid).unwrap_or_default());
    }
    let is_ours = |socket: &&Socket| {
        inodes.contains(&socket.inode) || (service.cgroup.is_some() && socket.cgroup == service.cgroup)
    };
    let (told, elsewhere): (Vec<_>, Vec<_>) = sockets
        .iter()
        .filter(is_ours)
        .map(|socket| socket.local)
        .filter(|address| address.port() == expected || counts(address.port()))
        .partition(|address| address.port() == expected);
    if !told.is_empty() {
        return Ok(Verdict::AsTold(told));
    }
    if !elsewhere.is_empty() {
        return Ok(Verdict::Elsewhere(elsewhere));
    }
    let on_its_port = sockets
        .iter()
        .find(|socket| loopback(expected).iter().any(|&at| socket.covers(at)));
    Ok(match on_its_port {
        Some(socket) => Verdict::Foreign(owner::of(socket)?),
        None => Verdict::NotYet,
    })
}
