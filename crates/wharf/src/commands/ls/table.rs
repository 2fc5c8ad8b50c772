//! The rows of the map, as a table.

use wharf_advice::Row as Port;
use wharf_facts::{Exposure, Family, NetNamespace, Protocol, Snapshot, SocketFacts};

use crate::grid::{Column, Paint, Piece, Row, Side};
use crate::out;

const fn column(title: &'static str, side: Side, gives_way_to: Option<usize>, rank: u8) -> Column {
    Column {
        title,
        side,
        gives_way_to,
        rank,
    }
}

pub(super) const COLUMNS: [Column; 8] = [
    column("PORT", Side::Right, None, 0),
    column("NAME", Side::Left, Some(10), 0),
    column("OWNER", Side::Left, None, 0),
    column("USER", Side::Left, Some(6), 4),
    column("SINCE", Side::Right, None, 1),
    column("IP", Side::Left, None, 3),
    column("REACHED BY", Side::Left, None, 1),
    column("URL", Side::Left, None, 2),
];

/// The heading of those that belong to no project.
const NO_PROJECT: &str = "no project";

/// A row for each port, and a heading over each project's.
pub(super) fn rows(snapshot: &Snapshot, ports: &[Port]) -> Vec<Row> {
    let now = snapshot.taken_at.known().copied().unwrap_or(0) / 1000;
    let viewer = snapshot.viewer.user.known().cloned();
    let groups = ports.iter().any(|port| port.project.is_some());
    let mut rows = Vec::new();
    let mut group = None;
    for port in ports {
        let own = (port.project.as_deref(), port.branch.as_deref());
        if groups && group != Some(own) {
            rows.push(heading(own.0, own.1));
            group = Some(own);
        }
        rows.push(row(port, now, viewer.as_deref()));
    }
    rows
}

fn heading(project: Option<&str>, branch: Option<&str>) -> Row {
    let Some(project) = project else {
        return Row::Heading(vec![Paint::Dim.of(NO_PROJECT)]);
    };
    let mut pieces = vec![Paint::Bold.of(project)];
    if let Some(branch) = branch {
        pieces.push(Paint::Dim.of(" on "));
        pieces.push(Paint::Cyan.of(branch));
    }
    Row::Heading(pieces)
}

fn row(port: &Port, now: u64, viewer: Option<&str>) -> Row {
    let number = match port.protocol {
        Protocol::Tcp => port.port.to_string(),
        Protocol::Udp => format!("udp {}", port.port),
    };
    let age = port.since.map(|since| out::age(now.saturating_sub(since) * 1000));
    // That it is one's own needs no saying.
    let other = port.user.as_deref().filter(|user| Some(*user) != viewer);
    Row::Cells(vec![
        Paint::Bold.of(number),
        Paint::Plain.of(name(port)),
        owner(port),
        Paint::Dim.of(other.unwrap_or_default()),
        Paint::Dim.of(age.unwrap_or_default()),
        Paint::Dim.of(families(&port.families)),
        reach(port.exposure),
        Paint::Cyan.of(port.url.clone().unwrap_or_default()),
    ])
}

fn name(port: &Port) -> String {
    let name = port.name.clone().unwrap_or_default();
    match &port.title {
        Some(title) if *title != name => format!("{name} “{title}”"),
        _ => name,
    }
}

fn owner(port: &Port) -> Piece {
    match (&port.owner, port.pid) {
        (Some(owner), Some(pid)) => Paint::Plain.of(format!("{owner} {pid}")),
        (Some(owner), None) => Paint::Plain.of(owner),
        (None, _) => Paint::Dim.of("hidden"),
    }
}

fn families(families: &[Family]) -> String {
    let words = families.iter().map(|family| match family {
        Family::V4 => "v4",
        Family::V6 => "v6",
    });
    words.collect::<Vec<_>>().join(" ")
}

/// From where it can be reached, as far as its address says.
fn reach(exposure: Exposure) -> Piece {
    match exposure {
        Exposure::Loopback => Paint::Dim.of("this machine"),
        Exposure::LinkLocal => Paint::Yellow.of("this link"),
        Exposure::Private => Paint::Yellow.of("private net"),
        Exposure::Public => Paint::Red.of("anyone"),
        Exposure::Everywhere => Paint::Yellow.of("any network"),
    }
}

/// The listeners of other network namespaces.
pub(super) fn of_namespaces(snapshot: &Snapshot) -> Vec<Row> {
    let with_listeners = snapshot
        .namespaces
        .items()
        .iter()
        .filter(|namespace| !namespace.listeners.items().is_empty());
    with_listeners
        .flat_map(|namespace| {
            let listeners = namespace.listeners.items().iter();
            std::iter::once(namespace_heading(snapshot, namespace))
                .chain(listeners.map(|listener| foreign(snapshot, listener)))
        })
        .collect()
}

fn namespace_heading(snapshot: &Snapshot, namespace: &NetNamespace) -> Row {
    let container = namespace.container.as_ref().and_then(|id| {
        let containers = snapshot.containers.items();
        containers.iter().find(|container| container.id == *id)
    });
    let named = container.and_then(|container| container.name.known().cloned());
    let what = match (named, &namespace.container, &namespace.name) {
        (Some(name), _, _) => format!("in container {name}"),
        (None, Some(id), _) => format!("in container {}", id.get(..12).unwrap_or(id)),
        (None, None, Some(name)) => format!("in network namespace {name}"),
        (None, None, None) => format!("in network namespace {}", namespace.inode),
    };
    Row::Heading(vec![Paint::Bold.of(what)])
}

fn foreign(snapshot: &Snapshot, listener: &SocketFacts) -> Row {
    let process = snapshot.owners(listener).next();
    let owner = process.map_or_else(
        || Paint::Dim.of("hidden"),
        |process| Paint::Plain.of(format!("{} {}", process.name, process.pid)),
    );
    let local = listener.socket.local;
    Row::Cells(vec![
        Paint::Bold.of(local.port().to_string()),
        Paint::Plain.of(""),
        owner,
        Paint::Plain.of(""),
        Paint::Plain.of(""),
        Paint::Dim.of(families(&[Family::of(local.ip())])),
        Paint::Dim.of("its namespace"),
        Paint::Plain.of(""),
    ])
}
