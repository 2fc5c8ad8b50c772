//! The map of a machine's ports.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use wharf_facts::{
    Container, Exposure, OurService, OurStack, Probe, ProcessFacts, Protocol, Reason, Seen, Snapshot,
    SocketFacts, Spoken, well_known,
};

use crate::case::Case;
use crate::{Row, listening, program, words};

/// Who listens on the machine of `snapshot`: grouped by project, the project with the newest process
/// first; what belongs to no project comes last.
///
/// UDP sockets that are connected are left out. What cannot be seen is `None` in the row; whether
/// the sockets were seen at all, [`Snapshot::tcp`] tells.
#[must_use]
pub fn map(snapshot: &Snapshot) -> Vec<Row> {
    let case = Case::machine(snapshot);
    // One row for the sockets of one port that have the same owner.
    let mut groups: BTreeMap<(u16, Protocol, Vec<u32>, u32), Vec<&SocketFacts>> = BTreeMap::new();
    for socket in case.listeners.iter().chain(&case.udp) {
        let mut pids = socket.owner.pids().to_vec();
        pids.sort_unstable();
        let uid = socket.socket.uid;
        let key = (socket.port(), socket.socket.protocol, pids, uid);
        groups.entry(key).or_default().push(socket);
    }
    let programs: BTreeMap<u32, program::Known> = snapshot
        .processes
        .items()
        .iter()
        .filter_map(|process| Some((process.pid, program::of(process)?)))
        .collect();
    let mut rows: Vec<Row> = groups
        .values()
        .filter_map(|sockets| row(&case, &programs, sockets))
        .collect();
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    for row in &rows {
        if let Some(project) = &row.project {
            let since = newest.entry(project.clone()).or_default();
            *since = (*since).max(row.since.unwrap_or_default());
        }
    }
    // The sort is stable, and the groups come by port.
    rows.sort_by_cached_key(|row| {
        let project = row.project.clone();
        let of_project = project.as_ref().and_then(|project| newest.get(project)).copied();
        (
            project.is_none(),
            Reverse(of_project),
            project,
            Reverse(row.since),
        )
    });
    rows
}

fn row(case: &Case<'_>, programs: &BTreeMap<u32, program::Known>, sockets: &[&SocketFacts]) -> Option<Row> {
    let snapshot = case.snapshot;
    let first = sockets.first()?;
    let (port, protocol) = (first.port(), first.socket.protocol);
    let owner = case.owners(first).into_iter().next();
    let container = owner
        .and_then(|owner| owner.container.as_ref())
        .and_then(|id| {
            snapshot
                .containers
                .items()
                .iter()
                .find(|container| container.id == *id)
        })
        .or_else(|| published(snapshot, protocol, port));
    let ours = owner.and_then(|owner| service(snapshot, owner, first));
    let probe = case
        .probes
        .iter()
        .find(|probe| sockets.iter().any(|socket| socket.socket.covers(probe.address)));
    let probe = probe.copied().filter(|_| protocol == Protocol::Tcp);
    let known = owner.and_then(|owner| programs.get(&owner.pid)).copied();
    let mut families: Vec<_> = sockets
        .iter()
        .flat_map(|socket| listening::families(socket))
        .collect();
    families.sort_unstable();
    families.dedup();
    let mut addresses: Vec<_> = sockets.iter().map(|socket| socket.socket.local.ip()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let checkout = owner.and_then(|owner| owner.checkout.known()?.as_ref());
    let clean = |text: String| words::clean(&text);
    Some(Row {
        port,
        protocol,
        name: name(first, owner, ours, container, probe, known).map(clean),
        project: project(owner, ours, container).map(clean),
        branch: checkout.and_then(listening::branch),
        owner: owner.map(|owner| words::clean(&owner.name)),
        pid: owner.map(|owner| owner.pid),
        user: owner
            .and_then(|owner| owner.user.known())
            .map(String::as_str)
            .or_else(|| words::user_name(snapshot, first.socket.uid))
            .map(words::clean),
        since: owner.and_then(|owner| owner.started_at.known()).copied(),
        exposure: addresses.iter().map(|address| Exposure::of(*address)).max()?,
        families,
        addresses,
        url: ours
            .and_then(|(_, service)| service.url.clone())
            .or_else(|| url(first, probe, known))
            .map(clean),
        reason: owner
            .and_then(|owner| owner.reason.known())
            .and_then(words::reason),
        title: probe
            .and_then(|probe| probe.http.as_ref()?.title.clone())
            .map(clean),
    })
}

/// The service of ours that `owner` is of, by its address or by its reason.
fn service<'a>(
    snapshot: &'a Snapshot,
    owner: &ProcessFacts,
    socket: &SocketFacts,
) -> Option<(&'a OurStack, &'a OurService)> {
    let ours = snapshot.ours.known()?;
    let all = ours
        .stacks
        .iter()
        .flat_map(|stack| stack.services.iter().map(move |service| (stack, service)));
    all.into_iter().find(|(stack, service)| {
        let by_reason = match &owner.reason {
            Seen::Known(Reason::Stack { stack: of, part, .. }) => {
                *of == stack.name && part.as_ref() == Some(&service.name)
            }
            _ => false,
        };
        by_reason
            && service
                .listens
                .iter()
                .any(|address| address.port() == socket.port())
    })
}

fn published(snapshot: &Snapshot, protocol: Protocol, port: u16) -> Option<&Container> {
    let publishes = |container: &&Container| {
        let mut ports = container.published_at(port);
        ports.any(|each| each.protocol == protocol)
    };
    snapshot
        .containers
        .items()
        .iter()
        .filter(publishes)
        .min_by(|a, b| a.id.cmp(&b.id))
}

fn name(
    socket: &SocketFacts,
    owner: Option<&ProcessFacts>,
    ours: Option<(&OurStack, &OurService)>,
    container: Option<&Container>,
    probe: Option<&Probe>,
    known: Option<program::Known>,
) -> Option<String> {
    if let Some((_, service)) = ours {
        return Some(service.name.clone());
    }
    if let Some(container) = container {
        return match &container.compose {
            Some(compose) => Some(compose.service.clone()),
            None => Some(Case::container_name(container)),
        };
    }
    let http = probe.and_then(|probe| probe.http.as_ref());
    if let Some(framework) = http.and_then(|http| http.framework.clone()) {
        return Some(framework);
    }
    if let Some(known) = known {
        return Some(known.name.to_owned());
    }
    let unit = owner.and_then(|owner| match &owner.reason {
        Seen::Known(Reason::Unit { unit, .. }) => Some(unit.as_str()),
        _ => None,
    });
    if let Some(unit) = unit.or_else(|| words::unit(socket)) {
        return Some(unit.trim_end_matches(".service").to_owned());
    }
    if let Some(owner) = owner {
        return Some(owner.name.clone());
    }
    let custom = well_known(socket.socket.protocol, socket.port())?;
    Some(format!("{}, by custom", custom.usual))
}

fn project(
    owner: Option<&ProcessFacts>,
    ours: Option<(&OurStack, &OurService)>,
    container: Option<&Container>,
) -> Option<String> {
    if let Some((stack, _)) = ours {
        return Some(stack.name.clone());
    }
    if let Some(owner) = owner {
        if let Seen::Known(Reason::Stack { stack, .. }) = &owner.reason {
            return Some(stack.clone());
        }
        if let Seen::Known(Some(checkout)) = &owner.checkout {
            let root = checkout.worktree_of.as_ref().unwrap_or(&checkout.root);
            return root
                .rsplit(['/', '\\'])
                .find(|part| !part.is_empty())
                .map(str::to_owned);
        }
    }
    Some(container?.compose.as_ref()?.project.clone())
}

/// Where a browser finds it, if it speaks HTTP: as it answered, or as its program is known for.
fn url(socket: &SocketFacts, probe: Option<&Probe>, known: Option<program::Known>) -> Option<String> {
    if socket.socket.protocol == Protocol::Udp {
        return None;
    }
    let scheme = match probe.and_then(|probe| Some((probe, probe.protocol.known()?))) {
        Some((probe, Spoken::Tls)) => probe.http.as_ref().map(|_| "https")?,
        Some((_, Spoken::Http)) => "http",
        Some(_) => return None,
        None => known.filter(|known| known.protocol == "http").map(|_| "http")?,
    };
    let port = socket.port();
    let address = socket.socket.local.ip();
    Some(if address.is_unspecified() || address.is_loopback() {
        format!("{scheme}://localhost:{port}")
    } else {
        format!("{scheme}://{}", socket.socket.local)
    })
}
