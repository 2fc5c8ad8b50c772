//! The ports that the kernel gives out by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use wharf_facts::{PortRange, SocketFacts};

use super::{ALL, LINUX, Need, WSL, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("ephemeral-exhausted"),
        number: 38,
        title: "The ports for connections to one place are used up",
        symptom: "cannot assign requested address (EADDRNOTAVAIL) when I connect, under load",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Settings],
        detect: ephemeral_exhausted,
    },
    Rule {
        id: id("bind-before-connect"),
        number: 39,
        title: "Programs that bind before they connect use up the ports",
        symptom: "no port is left, though no place has many connections",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Settings],
        detect: bind_before_connect,
    },
    Rule {
        id: id("wsl-connection-limit"),
        number: 41,
        title: "WSL stops making connections after many thousands",
        symptom: "under load on WSL, at once nothing connects any more",
        platforms: WSL,
        needs: &[Need::Sockets],
        detect: wsl_connection_limit,
    },
    Rule {
        id: id("ephemeral-range-covers-servers"),
        number: 73,
        title: "The kernel gives out the ports that servers use",
        symptom: "now and then a server cannot take its usual port",
        platforms: LINUX,
        needs: &[Need::Settings],
        detect: ephemeral_range_covers_servers,
    },
];

/// How many of the range's ports are used by connections from one address to one place; the most
/// used one.
fn most_used(rows: &[&SocketFacts], range: PortRange) -> Option<(IpAddr, SocketAddr, usize)> {
    let mut places: BTreeMap<(IpAddr, SocketAddr), BTreeSet<u16>> = BTreeMap::new();
    for row in rows.iter().filter(|row| range.contains(row.port())) {
        let key = (row.socket.local.ip(), row.socket.remote);
        places.entry(key).or_default().insert(row.port());
    }
    let ((from, to), ports) = places
        .into_iter()
        .max_by_key(|(key, ports)| (ports.len(), std::cmp::Reverse(*key)))?;
    Some((from, to, ports.len()))
}

/// The connections that a case is about: to its port, or all.
fn outgoing<'a, 'b>(case: &'b Case<'a>) -> &'b [&'a SocketFacts] {
    if case.target.is_none() {
        &case.connections
    } else {
        &case.towards
    }
}

/// What part of `whole` is used, in hundredths.
fn percent(part: usize, whole: u32) -> usize {
    part.saturating_mul(100) / usize::try_from(whole.max(1)).unwrap_or(usize::MAX)
}

fn ephemeral_exhausted(case: &Case<'_>) -> Option<Draft> {
    let range = *case.snapshot.settings.ephemeral.known()?;
    let (from, to, used) = most_used(outgoing(case), range)?;
    let percent = percent(used, range.count());
    let failed = matches!(
        case.failure(),
        Some(Failure::AddressNotAvailable | Failure::AddressInUse)
    );
    // connect() takes the ports of one parity first, so that half is where it begins to search.
    let (draft, likely) = if percent >= 90 || (failed && percent >= 45) {
        (
            Draft::problem(
                to,
                format!("Nearly all ports for connections from {from} to {to} are used up."),
            ),
            95,
        )
    } else if percent >= 50 {
        (
            Draft::warning(
                to,
                format!("Half of all ports for connections from {from} to {to} are in use."),
            ),
            70,
        )
    } else {
        return None;
    };
    Some(
        draft
            .likely(likely)
            .seen(
                Method::Sockets,
                format!("{used} connections from {from} to {to}, those in TIME_WAIT among them"),
            )
            .seen(
                Method::Settings,
                format!("the kernel gives out {range}, {} ports", range.count()),
            )
            .fix("Keep connections open and use them again: keep-alive, a pool.")
            .fix("On loopback each address has ports of its own: connect from, or to, 127.0.0.2 as well.")
            .run(
                "Or widen the range.",
                "sudo sysctl -w net.ipv4.ip_local_port_range='20000 60999'",
            ),
    )
}

fn bind_before_connect(case: &Case<'_>) -> Option<Draft> {
    let range = *case.snapshot.settings.ephemeral.known()?;
    let is_asked = case.target.is_none()
        || (case.is_connecting() || case.is_binding())
            && matches!(
                case.failure(),
                Some(Failure::AddressNotAvailable | Failure::AddressInUse)
            );
    if !is_asked {
        return None;
    }
    // All connections count, wherever they lead: that is the point.
    let all = Case::machine(case.snapshot);
    let in_range = all
        .connections
        .iter()
        .map(|row| row.port())
        .filter(|port| range.contains(*port));
    let ports: BTreeSet<u16> = in_range.collect();
    let (_, _, most) = most_used(&all.connections, range)?;
    if percent(ports.len(), range.count()) < 90 || percent(most, range.count()) >= 45 {
        return None;
    }
    Some(
        Draft::problem(
            "this machine",
            "Nearly every port of the kernel's range is in use, and no place has many connections: programs bind before they connect.",
        )
        .likely(88)
        .seen(Method::Sockets, format!("{} ports are in use, at most {most} of them to one place", ports.len()))
        .seen(Method::Settings, format!("the kernel gives out {range}, {} ports", range.count()))
        .fix("Do not bind before connect(); or set IP_BIND_ADDRESS_NO_PORT before bind(), so that the port is chosen at connect()."),
    )
}

/// From so many connections on, users of WSL 2 have seen it fail.
const MANY: usize = 16_000;

fn wsl_connection_limit(case: &Case<'_>) -> Option<Draft> {
    let inside = case.snapshot.system.inside.known()?;
    inside.wsl.as_ref()?;
    let seen = case.snapshot.tcp.known()?.len();
    let counters = case.snapshot.counters.known();
    let counted = counters.map_or(0, |counters| {
        counters
            .tcp_in_use
            .unwrap_or(0)
            .saturating_add(counters.tcp_time_wait.unwrap_or(0))
    });
    let total = seen.max(usize::try_from(counted).unwrap_or(usize::MAX));
    if total < MANY {
        return None;
    }
    Some(
        Draft::warning(
            "WSL",
            format!("WSL has {total} connections; it is known to stop making new ones at about that many."),
        )
        .likely(if case.is_connecting() { 80 } else { 55 })
        .seen(
            Method::Sockets,
            format!("{total} TCP sockets, those in TIME_WAIT among them"),
        )
        .fix("Keep connections open and use them again.")
        .run(
            "If nothing connects any more, start WSL anew, from Windows.",
            "wsl --shutdown",
        ),
    )
}

/// Ports at which servers are by custom, and which a sound range leaves alone.
const SERVERS: &[u16] = &[3000, 3306, 5173, 5432, 6379, 8000, 8080, 9000];

fn ephemeral_range_covers_servers(case: &Case<'_>) -> Option<Draft> {
    let settings = &case.snapshot.settings;
    let range = *settings.ephemeral.known()?;
    let reserved = settings.reserved.known()?;
    let is_free_game =
        |port: &u16| range.contains(*port) && !reserved.iter().any(|range| range.contains(*port));
    let covered: Vec<u16> = SERVERS.iter().copied().filter(is_free_game).collect();
    let is_asked = case.target.is_none()
        || (case.finds_port_in_use() && case.port.is_some_and(|port| covered.contains(&port)));
    if covered.is_empty() || !is_asked {
        return None;
    }
    Some(
        Draft::warning(
            "net.ipv4.ip_local_port_range",
            format!(
                "The kernel gives out {range} by itself, so any connection may take {} from a server.",
                crate::words::join(&covered)
            ),
        )
        .seen(
            Method::Settings,
            format!("net.ipv4.ip_local_port_range is {range}"),
        )
        .run(
            "Go back to the usual range.",
            "sudo sysctl -w net.ipv4.ip_local_port_range='32768 60999'",
        ),
    )
}
