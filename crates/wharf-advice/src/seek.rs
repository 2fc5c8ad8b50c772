//! From a target to ports.

use std::collections::BTreeSet;

use wharf_facts::{ProcessFacts, Protocol, Snapshot, SocketFacts, well_known};

use crate::Target;

/// No target is explained at more ports than these; the least come first.
const MOST: usize = 32;

/// The ports that `target` is about on the machine of `snapshot`, in order.
pub(crate) fn ports(snapshot: &Snapshot, target: &Target) -> Vec<u16> {
    let found = match target {
        Target::Pid(pid) => of_processes(snapshot, |process| process.pid == *pid),
        Target::Name(name) => of_name(snapshot, name),
        Target::Port(_) | Target::Address(_) | Target::Host { .. } | Target::Url(_) => {
            target.port().into_iter().collect()
        }
    };
    found.into_iter().take(MOST).collect()
}

fn of_name(snapshot: &Snapshot, name: &str) -> BTreeSet<u16> {
    let ways: [&dyn Fn() -> BTreeSet<u16>; 5] = [
        &|| of_service(snapshot, name),
        &|| of_container(snapshot, name),
        &|| of_processes(snapshot, |process| is_named(process, name)),
        &|| of_units(snapshot, name),
        &|| by_custom(name),
    ];
    ways.iter()
        .map(|way| way())
        .find(|ports| !ports.is_empty())
        .unwrap_or_default()
}

/// The ports of a service of ours, by its name, by `STACK/SERVICE`, or by its host's name.
fn of_service(snapshot: &Snapshot, name: &str) -> BTreeSet<u16> {
    let stacks = snapshot.ours.known().map_or(&[][..], |ours| &ours.stacks);
    let mut ports = BTreeSet::new();
    for stack in stacks {
        for service in &stack.services {
            let host = service.url.as_deref().and_then(|url| match url.parse() {
                Ok(Target::Url(url)) => Some(url.host),
                _ => None,
            });
            let is_meant = service.name == name
                || host.as_deref() == Some(name)
                || name.split_once('/') == Some((stack.name.as_str(), service.name.as_str()));
            if is_meant {
                let addresses = if service.listens.is_empty() {
                    &service.told
                } else {
                    &service.listens
                };
                ports.extend(addresses.iter().map(std::net::SocketAddr::port));
            }
        }
    }
    ports
}

/// The ports that a container publishes, by its name, its id or its Compose service.
fn of_container(snapshot: &Snapshot, name: &str) -> BTreeSet<u16> {
    let is_meant = |container: &&wharf_facts::Container| {
        container.name.known().is_some_and(|own| own == name)
            || (name.len() >= 12 && container.id.starts_with(name))
            || container
                .compose
                .as_ref()
                .is_some_and(|compose| compose.service == name)
    };
    let containers = snapshot.containers.items().iter().filter(is_meant);
    containers
        .flat_map(|container| container.ports.items())
        .filter_map(|port| port.published)
        .collect()
}

/// The ports at which processes that are meant listen, or those that they started.
fn of_processes(snapshot: &Snapshot, is_meant: impl Fn(&ProcessFacts) -> bool) -> BTreeSet<u16> {
    let is_meant_or_child = |pid: u32| snapshot.ancestry(pid).into_iter().any(&is_meant);
    sockets(snapshot)
        .filter(|socket| socket.owner.pids().iter().any(|&pid| is_meant_or_child(pid)))
        .map(SocketFacts::port)
        .collect()
}

/// By its own name, its program's file, or the first word of its command line.
fn is_named(process: &ProcessFacts, name: &str) -> bool {
    let file = |path: &String| {
        let path = path.trim_end_matches(" (deleted)");
        path.rsplit('/').next() == Some(name)
    };
    process.name == name
        || process.exe.known().is_some_and(file)
        || process.command.items().first().is_some_and(file)
}

/// The ports at which a unit listens whose owner is hidden.
fn of_units(snapshot: &Snapshot, name: &str) -> BTreeSet<u16> {
    let is_meant = |unit: &str| unit == name || unit.strip_suffix(".service") == Some(name);
    let by_cgroup = |socket: &&SocketFacts| crate::words::unit(socket).is_some_and(is_meant);
    let by_process = |socket: &&SocketFacts| {
        let mut owners = snapshot.owners(socket);
        owners.any(|owner| owner.unit.as_ref().is_some_and(|unit| is_meant(&unit.name)))
    };
    sockets(snapshot)
        .filter(|socket| by_cgroup(socket) || by_process(socket))
        .map(SocketFacts::port)
        .collect()
}

/// The port of a service that IANA or custom calls so; HTTP's for a host's name.
fn by_custom(name: &str) -> BTreeSet<u16> {
    if name.contains('.') {
        return BTreeSet::from([80]);
    }
    let is_meant = |port: &u16| {
        well_known(Protocol::Tcp, *port).is_some_and(|row| {
            row.name.is_some_and(|own| own.eq_ignore_ascii_case(name)) || row.usual.eq_ignore_ascii_case(name)
        })
    };
    (1..=u16::MAX).find(is_meant).into_iter().collect()
}

/// Those that listen, and UDP's that are not connected.
fn sockets(snapshot: &Snapshot) -> impl Iterator<Item = &SocketFacts> {
    let udp = snapshot.udp.items().iter();
    snapshot
        .listeners()
        .chain(udp.filter(|socket| socket.socket.remote.port() == 0))
}
