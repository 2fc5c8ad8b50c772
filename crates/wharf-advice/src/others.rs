//! What else has to do with a port.

use std::net::SocketAddr;

use wharf_facts::{SocketFacts, TcpState};

use crate::case::{Case, is_work, order};
use crate::{Other, OtherKind, Peer, words};

/// Peers that are told one by one; of more there is no use.
const PEERS: usize = 64;

/// Who is connected to the port, from the port's side.
pub(crate) fn peers(case: &Case<'_>) -> Vec<Peer> {
    let is_told = |row: &&&SocketFacts| row.socket.state != TcpState::TimeWait;
    let rows = case.connections.iter().filter(is_told).take(PEERS);
    rows.map(|row| Peer {
        local: row.socket.local,
        remote: row.socket.remote,
        state: row.socket.state,
        process: far_end(case, row).map(|far| case.who(far)),
        unread: row.socket.receive_queue,
        unsent: row.socket.send_queue,
    })
    .collect()
}

/// The other end of a connection, where that is on this machine.
fn far_end<'a>(case: &Case<'a>, row: &SocketFacts) -> Option<&'a SocketFacts> {
    let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let (near, far) = (canonical(row.socket.local), canonical(row.socket.remote));
    let is_far = |other: &&&SocketFacts| {
        canonical(other.socket.local) == far
            && canonical(other.socket.remote) == near
            && other.socket.inode != row.socket.inode
    };
    case.towards.iter().find(is_far).copied()
}

/// What else holds the port, and what else could be meant.
pub(crate) fn others(case: &Case<'_>) -> Vec<Other> {
    let mut all = Vec::new();
    let Some(port) = case.port else {
        return all;
    };
    if let Some((container, inside)) = case.published() {
        let name = Case::container_name(container);
        all.push(other(
            OtherKind::Published,
            None,
            1,
            &format!("published by the container {name}, from its port {inside}"),
        ));
    }
    for row in &case.bound {
        let says = format!("bound by {}, and not listening", case.who(row));
        all.push(other(OtherKind::Bound, Some(row.socket.local), 1, &says));
    }
    let resting = of_state(case, |state| state == TcpState::TimeWait);
    if let Some(first) = resting.first() {
        let says = format!("{} in TIME_WAIT", words::count(resting.len(), "connection"));
        all.push(other(
            OtherKind::TimeWait,
            Some(first.socket.local),
            resting.len(),
            &says,
        ));
    }
    if case.listeners.is_empty() {
        for row in of_state(case, |state| state != TcpState::TimeWait)
            .into_iter()
            .take(4)
        {
            let says = format!(
                "{} has a connection from this port to {}",
                case.who(row),
                row.socket.remote
            );
            all.push(other(OtherKind::Outgoing, Some(row.socket.local), 1, &says));
        }
    }
    elsewhere(case, port, &mut all);
    if case.listeners.is_empty() && case.udp.is_empty() {
        nearby(case, port, &mut all);
    }
    all
}

fn of_state<'a>(case: &Case<'a>, is_meant: impl Fn(TcpState) -> bool) -> Vec<&'a SocketFacts> {
    let rows = case.connections.iter().copied();
    rows.filter(|row| is_meant(row.socket.state)).collect()
}

/// The same port in other network namespaces.
fn elsewhere(case: &Case<'_>, port: u16, all: &mut Vec<Other>) {
    let mut found: Vec<Other> = Vec::new();
    for namespace in case.snapshot.namespaces.items() {
        let row = namespace.listeners.items().iter().find(|row| row.port() == port);
        if let Some(row) = row {
            let says = format!("somebody listens in {}", namespace_name(case, namespace));
            found.push(other(OtherKind::OtherNamespace, Some(row.socket.local), 1, &says));
        }
    }
    found.sort_by(|a, b| (a.address, &a.says).cmp(&(b.address, &b.says)));
    all.extend(found);
}

/// A network namespace, by the best name it has.
pub(crate) fn namespace_name(case: &Case<'_>, namespace: &wharf_facts::NetNamespace) -> String {
    let containers = case.snapshot.containers.items();
    let container = namespace.container.as_ref();
    let container = container.and_then(|id| containers.iter().find(|container| container.id == *id));
    if let Some(container) = container {
        return format!("the container {}", Case::container_name(container));
    }
    match &namespace.name {
        Some(name) => format!("the network namespace {}", words::clean(name)),
        None => format!("the network namespace {}", namespace.inode),
    }
}

/// People's own listeners on the ports next to it.
fn nearby(case: &Case<'_>, port: u16, all: &mut Vec<Other>) {
    let is_near = |other: u16| other != port && other.abs_diff(port) <= 3;
    let mut rows: Vec<&SocketFacts> = case
        .snapshot
        .listeners()
        .filter(|row| is_near(row.port()) && case.snapshot.owners(row).any(is_work))
        .collect();
    rows.sort_by_key(|row| order(row));
    rows.dedup_by_key(|row| (row.port(), row.owner.pids().first().copied()));
    for row in rows {
        let says = format!("{} listens on {}", case.who(row), row.socket.local);
        all.push(other(OtherKind::Nearby, Some(row.socket.local), 1, &says));
    }
}

fn other(kind: OtherKind, address: Option<SocketAddr>, count: usize, says: &str) -> Other {
    Other {
        kind,
        address,
        count: u32::try_from(count).unwrap_or(u32::MAX),
        says: words::clean(says),
    }
}
