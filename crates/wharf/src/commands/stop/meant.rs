//! Which sockets a target means: from facts alone.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_advice::Target;
use wharf_facts::{ProcessFacts, Snapshot, SocketFacts};

/// The sockets that wait for connections at `target`: of UDP, those that are bound there.
pub(super) fn listening<'a>(snapshot: &'a Snapshot, target: &Target) -> Vec<&'a SocketFacts> {
    let by_name = |name: &str| {
        let is_called =
            move |process: &ProcessFacts| process.name == name || unit_name(process) == Some(name);
        let listeners = snapshot.listeners();
        listeners
            .filter(|socket| snapshot.owners(socket).any(&is_called))
            .collect()
    };
    let port = match target {
        Target::Name(name) => return by_name(name),
        _ => match target.port() {
            Some(port) => port,
            None => return Vec::new(),
        },
    };
    let addresses = addresses(snapshot, target);
    let is_meant = |socket: &&SocketFacts| match target {
        Target::Port(_) => socket.port() == port,
        _ => addresses
            .iter()
            .any(|&address| socket.socket.covers(SocketAddr::new(address, port))),
    };
    let tcp: Vec<&SocketFacts> = snapshot.listeners().filter(is_meant).collect();
    if !tcp.is_empty() {
        return tcp;
    }
    let is_client = |socket: &&SocketFacts| socket.socket.remote.port() == 0;
    snapshot
        .udp
        .items()
        .iter()
        .filter(is_client)
        .filter(is_meant)
        .collect()
}

/// The same, by inode.
pub(super) fn inodes(snapshot: &Snapshot, target: &Target) -> BTreeSet<u64> {
    let sockets = listening(snapshot, target).into_iter();
    sockets
        .map(|socket| socket.socket.inode)
        .filter(|&inode| inode != 0)
        .collect()
}

/// The addresses that `target` names: what its host resolves to. What is not known to be this
/// machine's must not be stopped here.
fn addresses(snapshot: &Snapshot, target: &Target) -> Vec<IpAddr> {
    if let Some(address) = target.address() {
        return vec![address];
    }
    let Some(host) = target.host() else {
        return Vec::new();
    };
    match snapshot.names.resolution(host) {
        Some(resolution) if !resolution.addresses().is_empty() => resolution.addresses().to_vec(),
        // Loopback, whether or not the resolver knows of them (RFC 6761, section 6.3).
        _ if host == "localhost" || host.ends_with(".localhost") => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        _ => Vec::new(),
    }
}

/// Whether one of the addresses that `target` names is this machine's own.
pub(super) fn is_here(snapshot: &Snapshot, target: &Target) -> bool {
    let mut named = addresses(snapshot, target).into_iter();
    matches!(target, Target::Port(_)) || named.any(|address| snapshot.is_here(address) == Some(true))
}

/// `redis` for `redis.service`.
fn unit_name(process: &ProcessFacts) -> Option<&str> {
    process.unit.as_ref()?.name.strip_suffix(".service")
}
