//! How what listens at a target wants to be stopped: from facts alone.

use std::collections::BTreeSet;

use wharf_advice::Target;
use wharf_facts::{Container, Holder, ProcessFacts, Reason, Snapshot, SocketFacts, UnitManager};

use super::meant::{is_here, listening};

/// What there is to stop.
#[derive(Debug)]
pub(super) enum Found {
    /// These, each its own way.
    Ways(Vec<Way>),
    /// Nobody listens there.
    Nobody,
    /// Somebody does whom the viewer may not see.
    Hidden { user: String },
    /// The sockets could not be seen.
    NotSeen(String),
}

/// A way to stop something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A whole stack of ours.
    Stack { stack: String },
    /// A service of a stack of ours.
    Service { stack: String, service: String },
    /// A unit of systemd.
    Unit {
        unit: String,
        manager: UnitManager,
        /// Whose manager it is, where that is another user's than the viewer's.
        of: Option<String>,
    },
    /// A container.
    Container {
        engine: Engine,
        id: String,
        name: String,
    },
    /// SIGTERM to a process.
    Process {
        pid: u32,
        start_time: u64,
        caution: Option<Caution>,
    },
    /// Nothing: this must not be stopped.
    Never { pid: u32, why: &'static str },
}

/// Whose command stops a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Docker,
    Podman,
}

impl Engine {
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// Why one should think twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caution {
    /// The viewer's own shell, terminal or session.
    Ancestor,
}

/// What is at `target`, and how it is stopped.
pub(super) fn of(snapshot: &Snapshot, target: &Target) -> Found {
    if let Some(why) = snapshot.tcp.why_unknown() {
        return Found::NotSeen(why.to_owned());
    }
    if let Some(way) = of_stack(snapshot, target) {
        return Found::Ways(vec![way]);
    }
    let pids = match target {
        Target::Pid(pid) => match snapshot.process(*pid) {
            Some(_) => BTreeSet::from([*pid]),
            None => return Found::Nobody,
        },
        _ => {
            let sockets = listening(snapshot, target);
            let Some(first) = sockets.first() else {
                return published(snapshot, target);
            };
            let pids: BTreeSet<u32> = sockets
                .iter()
                .flat_map(|socket| socket.owner.pids())
                .copied()
                .collect();
            if pids.is_empty() {
                return hidden(snapshot, first);
            }
            pids
        }
    };
    let mut ways = Vec::new();
    for process in leaders(snapshot, &pids) {
        let way = way(snapshot, process, target.port());
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    Found::Ways(ways)
}

/// A service that is meant by its name, with or without its stack's; it may listen anywhere.
fn of_stack(snapshot: &Snapshot, target: &Target) -> Option<Way> {
    let name = match target {
        Target::Name(name) => name,
        Target::Url(url) => &url.host,
        Target::Host { name, .. } => name,
        Target::Port(_) | Target::Address(_) | Target::Pid(_) => return None,
    };
    let name = name.strip_suffix(".localhost").unwrap_or(name);
    let stacks = &crate::machine::ours(snapshot)?.stacks;
    let services = stacks
        .iter()
        .flat_map(|stack| stack.services.iter().map(move |service| (stack, service)));
    let mut meant = services.filter(|(stack, service)| {
        service.name == name || format!("{}.{}", service.name, stack.name) == name
    });
    let (stack, service) = meant.next()?;
    // Of two stacks with such a service none is meant by this name alone.
    meant.next().is_none().then(|| Way::Service {
        stack: stack.name.clone(),
        service: service.name.clone(),
    })
}

/// Nobody listens here; but the kernel may lead the port into a container.
fn published(snapshot: &Snapshot, target: &Target) -> Found {
    let by_name = |container: &&Container| match target {
        Target::Name(name) => {
            container.name.known() == Some(name)
                || container
                    .compose
                    .as_ref()
                    .is_some_and(|compose| compose.service == *name)
        }
        _ => is_here(snapshot, target) && target.port().is_some_and(|port| publishes(container, port)),
    };
    let container = snapshot.containers.items().iter().find(by_name);
    match container.and_then(container_way) {
        Some(way) => Found::Ways(vec![way]),
        None => Found::Nobody,
    }
}

fn publishes(container: &Container, port: u16) -> bool {
    container.published_at(port).next().is_some()
}

fn container_way(container: &Container) -> Option<Way> {
    let engine = engine(&container.engine)?;
    let name = container.name.known().cloned();
    Some(Way::Container {
        engine,
        name: name.unwrap_or_else(|| container.id.get(..12).unwrap_or(&container.id).to_owned()),
        id: container.id.clone(),
    })
}

fn engine(name: &str) -> Option<Engine> {
    [Engine::Docker, Engine::Podman]
        .into_iter()
        .find(|engine| name.to_lowercase().contains(engine.program()))
}

fn hidden(snapshot: &Snapshot, socket: &SocketFacts) -> Found {
    let user = match socket.owner {
        Holder::Hidden | Holder::NotAsked => socket.socket.uid,
        _ => return Found::Nobody,
    };
    let named = snapshot
        .processes
        .items()
        .iter()
        .find(|process| process.uid.known() == Some(&user))
        .and_then(|process| process.user.known().cloned());
    Found::Hidden {
        user: named.unwrap_or_else(|| match user {
            0 => "root".to_owned(),
            user => format!("user {user}"),
        }),
    }
}

/// Those whose parent is not among them: the master of several workers that share a socket.
fn leaders<'a>(snapshot: &'a Snapshot, pids: &BTreeSet<u32>) -> Vec<&'a ProcessFacts> {
    let processes = pids.iter().filter_map(|&pid| snapshot.process(pid));
    processes
        .filter(|process| !pids.contains(&process.parent))
        .collect()
}

/// How one process wants to be stopped, of which `port` is meant, or the whole.
fn way(snapshot: &Snapshot, process: &ProcessFacts, port: Option<u16>) -> Way {
    let viewer = snapshot.viewer.pid.known().copied();
    if process.pid == 1 {
        let why =
            "it is the first process; if it is systemd, a .socket unit listens: `systemctl list-sockets`";
        return Way::Never { pid: 1, why };
    }
    if Some(process.pid) == viewer {
        return Way::Never {
            pid: process.pid,
            why: "that is this very command",
        };
    }
    let own_line = viewer.map(|pid| snapshot.ancestry(pid)).unwrap_or_default();
    let is_ancestor = own_line.iter().any(|ancestor| ancestor.pid == process.pid);
    let by_signal = Way::Process {
        pid: process.pid,
        start_time: process.start_time,
        caution: is_ancestor.then_some(Caution::Ancestor),
    };
    // What it belongs to would end this command, too.
    if is_ancestor {
        return by_signal;
    }
    match process.reason.known() {
        Some(Reason::Stack { stack, part, .. }) => match part {
            Some(service) => Way::Service {
                stack: stack.clone(),
                service: service.clone(),
            },
            None => Way::Stack { stack: stack.clone() },
        },
        Some(Reason::Container { id, .. }) => {
            let containers = snapshot.containers.items();
            let container = containers.iter().find(|container| container.id == *id);
            container.and_then(container_way).unwrap_or(by_signal)
        }
        Some(Reason::ContainerForward { .. }) => forwarded(snapshot, process, port).unwrap_or(by_signal),
        // A scope holds a session or a terminal, and more than what is meant.
        Some(Reason::Unit { unit, manager })
            if unit.ends_with(".service") && !has_viewer(&own_line, unit) =>
        {
            Way::Unit {
                unit: unit.clone(),
                manager: *manager,
                of: stranger(snapshot, process),
            }
        }
        _ => by_signal,
    }
}

/// How to stop the container that a forwarder leads to. One forwarder may serve many: then only the
/// port tells which is meant, and the forwarder itself is everybody's. `None`: it serves one alone, and
/// may be ended.
fn forwarded(snapshot: &Snapshot, process: &ProcessFacts, port: Option<u16>) -> Option<Way> {
    let held = snapshot
        .listeners()
        .filter(|socket| socket.owner.pids().contains(&process.pid));
    let ports: BTreeSet<u16> = held.map(SocketFacts::port).collect();
    let is_meant = |container: &&Container| {
        let mut led = ports.iter().filter(|led| port.is_none_or(|port| port == **led));
        led.any(|&led| publishes(container, led))
    };
    let meant: Vec<&Container> = snapshot.containers.items().iter().filter(is_meant).collect();
    match meant.as_slice() {
        [container] => container_way(container),
        [] if ports.len() <= 1 => None,
        _ => Some(Way::Never {
            pid: process.pid,
            why: "it forwards for several containers, and which one is meant cannot be told; name the container",
        }),
    }
}

/// The user of `process`, where that is not the viewer.
fn stranger(snapshot: &Snapshot, process: &ProcessFacts) -> Option<String> {
    let uid = process.uid.known()?;
    let is_viewer = snapshot.viewer.uid.known().is_none_or(|viewer| viewer == uid);
    let name = || process.user.known().cloned().unwrap_or_else(|| uid.to_string());
    (!is_viewer).then(name)
}

fn has_viewer(own_line: &[&ProcessFacts], unit: &str) -> bool {
    own_line
        .iter()
        .any(|process| process.unit.as_ref().is_some_and(|own| own.name == unit))
}

/// What is going to be done, in words that go on after "would".
pub(super) fn said(snapshot: &Snapshot, way: &Way) -> String {
    match way {
        Way::Stack { stack } => format!("stop the stack {stack}"),
        Way::Service { stack, service } => format!("stop the service {service} of the stack {stack}"),
        Way::Unit { unit, manager, of } => {
            let command = unit_command(unit, *manager, of.as_deref()).join(" ");
            clean(&format!("stop the unit {unit}: {command}"))
        }
        Way::Container { engine, name, .. } => clean(&format!(
            "stop the container {name}: {} stop {name}",
            engine.program()
        )),
        Way::Process { pid, caution, .. } => {
            let process = snapshot.process(*pid);
            let name = process.map_or("", |process| process.name.as_str());
            let name = clean(name);
            let caution = match caution {
                Some(Caution::Ancestor) => ", in which this command itself runs",
                None => "",
            };
            format!("send SIGTERM to {name} (pid {pid}){caution}")
        }
        Way::Never { pid, why } => format!("not stop pid {pid}: {why}"),
    }
}

/// Names are chosen by those who bear them: none may write to a terminal by its own.
fn clean(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

/// The command that stops `unit`. Another user's manager is reached as systemctl(1) says of `--machine`.
pub(super) fn unit_command(unit: &str, manager: UnitManager, of: Option<&str>) -> Vec<String> {
    let mut words = vec!["systemctl".to_owned()];
    if manager == UnitManager::User {
        words.push("--user".to_owned());
        words.extend(of.map(|user| format!("--machine={user}@.host")));
    }
    words.extend(["stop", unit].map(str::to_owned));
    words
}

#[cfg(test)]
mod tests;
