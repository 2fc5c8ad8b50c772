//! Containers and network namespaces.

use wharf_facts::{
    Container, Exposure, NetNamespace, Protocol, Reason, Seen, Silence, SocketFacts, well_known,
};

use super::nothing::is_nobody_there;
use super::{ALL, LINUX, Need, id};
use crate::case::{Case, order};
use crate::draft::Draft;
use crate::others::namespace_name;
use crate::{Failure, Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("in-other-namespace"),
        number: 9,
        title: "It listens in another network namespace",
        symptom: "the server runs and listens, and the port is closed",
        platforms: LINUX,
        needs: &[Need::Sockets, Need::Namespaces],
        detect: in_other_namespace,
    },
    Rule {
        id: id("inside-container"),
        number: 10,
        title: "127.0.0.1 is this container, not the machine around it",
        symptom: "from within the container localhost refuses, from the machine it works",
        platforms: LINUX,
        needs: &[Need::Sockets],
        detect: inside_container,
    },
    Rule {
        id: id("published-but-loopback-inside"),
        number: 11,
        title: "The container's program listens on its own loopback",
        symptom: "the port is published, and connections are reset or come back empty",
        platforms: ALL,
        needs: &[Need::Containers, Need::Namespaces],
        detect: published_but_loopback_inside,
    },
    Rule {
        id: id("published-to-wrong-port"),
        number: 12,
        title: "The container's port is published to where nobody listens",
        symptom: "the port is published, the program runs, and connections are reset",
        platforms: ALL,
        needs: &[Need::Containers, Need::Namespaces],
        detect: published_to_wrong_port,
    },
    Rule {
        id: id("published-by-nat"),
        number: 13,
        title: "A container's port is served without a socket",
        symptom: "the port answers, and ss and lsof show nobody",
        platforms: LINUX,
        needs: &[Need::Sockets, Need::Containers],
        detect: published_by_nat,
    },
    Rule {
        id: id("stale-port-proxy"),
        number: 31,
        title: "A container engine keeps the port of a container that is gone",
        symptom: "port is already allocated, and no container has it",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Processes, Need::Containers],
        detect: stale_port_proxy,
    },
];

/// What listens at `port` in `namespace`, where its listeners were seen.
fn listeners_in(namespace: &NetNamespace, port: u16) -> Vec<&SocketFacts> {
    let mut rows: Vec<&SocketFacts> = namespace
        .listeners
        .items()
        .iter()
        .filter(|row| row.port() == port)
        .collect();
    rows.sort_by_key(|row| order(row));
    rows
}

fn in_other_namespace(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    if !is_nobody_there(case) || case.is_binding() {
        return None;
    }
    let mut found: Vec<(&NetNamespace, &SocketFacts)> = case
        .snapshot
        .namespaces
        .items()
        .iter()
        .filter_map(|namespace| Some((namespace, *listeners_in(namespace, port).first()?)))
        .collect();
    found.sort_by_key(|(namespace, _)| namespace.inode);
    let (namespace, row) = found.first()?;
    let name = namespace_name(case, namespace);
    let mut draft = Draft::problem(
        case.subject(),
        format!("Nothing listens on port {port} here, but in {name} somebody does."),
    )
    .likely(86)
    .seen(
        Method::Sockets,
        format!("no listener on port {port} in this network namespace"),
    )
    .seen(
        Method::Namespace,
        format!("{} listens in {name}", row.socket.local),
    );
    let container = case
        .snapshot
        .containers
        .items()
        .iter()
        .find(|container| Some(&container.id) == namespace.container.as_ref());
    let own = container.map_or(&[][..], |container| container.addresses.items());
    let own = own.iter().chain(namespace.addresses.items());
    let outside = own.copied().find(|address| !address.is_loopback());
    let is_loopback = Exposure::of(row.socket.local.ip()).is_local();
    if let Some(address) = outside.filter(|_| !is_loopback) {
        let address = std::net::SocketAddr::new(address, port);
        draft = draft.fix(format!("Connect to {address}."));
    }
    if container.is_some() {
        draft = draft.fix(format!(
            "Publish the port: `-p 127.0.0.1:{port}:{port}`, or `ports:` in the compose file."
        ));
    }
    Some(match namespace.pids.iter().min() {
        Some(pid) => draft.run(
            "Or go in.",
            format!("sudo nsenter -t {pid} -n curl http://127.0.0.1:{port}"),
        ),
        None => draft,
    })
}

fn inside_container(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let inside = case.snapshot.system.inside.known()?;
    let container = inside.container.as_ref().or(inside.dev_container.as_ref())?;
    let is_used = !case.connections.is_empty() || !case.bound.is_empty() || !case.udp.is_empty();
    if !is_nobody_there(case) || case.is_binding() || is_used {
        return None;
    }
    let asks_loopback = case.asked_address().is_none_or(|address| address.is_loopback());
    if !asks_loopback {
        return None;
    }
    // A port that a service of another container is customarily at.
    let customary = well_known(Protocol::Tcp, port).filter(|_| !(3000..=3010).contains(&port));
    let refused = matches!(case.failure(), Some(Failure::Refused));
    let says = format!(
        "This is inside a container: 127.0.0.1 is the container, and nothing listens on port {port} in it."
    );
    let draft = match customary {
        Some(_) if refused => Draft::problem(case.subject(), says).likely(78),
        Some(_) => Draft::problem(case.subject(), says).likely(58),
        None => Draft::note(case.subject(), says).likely(40),
    };
    Some(
        draft
            .seen(Method::Processes, format!("inside {container}"))
            .fix("Use the name of the other container's service, such as `db`, on a network that both are on.")
            .fix("For something on the machine around it, use host.docker.internal (`--add-host=host.docker.internal:host-gateway` on Linux)."),
    )
}

/// The namespace of a container, where its listeners were seen.
fn namespace_of<'a>(case: &Case<'a>, container: &Container) -> Option<&'a NetNamespace> {
    let namespaces = case.snapshot.namespaces.items().iter();
    let is_its = |namespace: &&NetNamespace| {
        namespace.container.as_ref() == Some(&container.id) || container.netns == Seen::Known(namespace.inode)
    };
    namespaces
        .filter(|namespace| namespace.listeners.is_known())
        .filter(is_its)
        .min_by_key(|namespace| namespace.inode)
}

fn published_but_loopback_inside(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let (container, inside) = case.published()?;
    if case.is_binding() {
        return None;
    }
    let name = Case::container_name(container);
    let publishes = format!("{name} publishes port {port} to its port {inside}");
    let fix = format!(
        "Let the program inside listen on 0.0.0.0, port {inside}: `--host 0.0.0.0`, or HOST=0.0.0.0."
    );
    let Some(namespace) = namespace_of(case, container) else {
        // Its listeners were not seen: how connections end says as much.
        let resets = |probe: &&wharf_facts::Probe| {
            matches!(probe.silence, Seen::Known(Silence::Reset | Silence::Closed))
        };
        let is_reset = case.failure() == Some(Failure::Reset) || case.probes.iter().any(resets);
        return is_reset.then(|| {
            Draft::problem(
                case.subject(),
                format!("The container {name} takes no connection at its port {inside}: its program listens on loopback inside, or not at all."),
            )
            .likely(80)
            .seen(Method::Engine, publishes)
            .seen(Method::Probe, "the connection was accepted and then closed at once")
            .fix(fix)
        });
    };
    let rows = listeners_in(namespace, inside);
    let first = rows.first()?;
    if !rows
        .iter()
        .all(|row| Exposure::of(row.socket.local.ip()).is_local())
    {
        return None;
    }
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "Inside the container {name} the program listens on {} only, where the published port does not reach.",
                first.socket.local
            ),
        )
        .likely(93)
        .seen(Method::Engine, publishes)
        .seen(Method::Namespace, format!("inside, {} listens", first.socket.local))
        .fix(fix),
    )
}

fn published_to_wrong_port(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let (container, inside) = case.published()?;
    let namespace = namespace_of(case, container)?;
    if case.is_binding() || !listeners_in(namespace, inside).is_empty() {
        return None;
    }
    let name = Case::container_name(container);
    let mut others: Vec<u16> = namespace
        .listeners
        .items()
        .iter()
        // Docker's own resolver listens in every container, on 127.0.0.11.
        .filter(|row| !row.socket.local.ip().to_string().starts_with("127.0.0.11"))
        .map(SocketFacts::port)
        .collect();
    others.sort_unstable();
    others.dedup();
    let says = match others.first() {
        Some(_) => format!(
            "Port {port} leads to port {inside} of the container {name}, where its program listens on {}.",
            words::join(&others)
        ),
        None => {
            format!("Port {port} leads to port {inside} of the container {name}, and nothing listens inside.")
        }
    };
    let draft = Draft::problem(case.subject(), says)
        .likely(93)
        .seen(
            Method::Engine,
            format!("{name} publishes port {port} to its port {inside}"),
        )
        .seen(
            Method::Namespace,
            format!("inside, nobody listens on port {inside}"),
        );
    Some(match others.first() {
        Some(other) => draft.fix(format!(
            "Publish it as `-p {port}:{other}`, or let the program listen on {inside}."
        )),
        None => draft.run(
            "See whether the program inside runs.",
            format!("docker logs --tail 50 {name}"),
        ),
    })
}

fn published_by_nat(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let (container, inside) = case.published()?;
    if !case.sees_sockets() || !case.listeners.is_empty() {
        return None;
    }
    let name = Case::container_name(container);
    let address = container.addresses.items().iter().min();
    let target = address.map_or_else(
        || format!("port {inside} of {name}"),
        |address| std::net::SocketAddr::new(*address, inside).to_string(),
    );
    let draft = if case.finds_port_in_use() {
        Draft::problem(
            case.subject(),
            format!("The container {name} has port {port}, by a rule of NAT and without a socket."),
        )
        .likely(91)
        .run("Stop the container.", format!("docker stop {name}"))
    } else {
        Draft::note(
            case.subject(),
            format!("Port {port} is served by a rule of NAT that leads to {target}; no socket shows here."),
        )
        .likely(40)
        .fix(format!(
            "All is well, unless localhost fails: then connect to {target}."
        ))
    };
    Some(
        draft
            .seen(
                Method::Engine,
                format!("{name} publishes port {port} to its port {inside}"),
            )
            .seen(Method::Sockets, format!("no listener on port {port}")),
    )
}

fn stale_port_proxy(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let containers = case.snapshot.containers.known()?;
    // Published by any, whatever its state: then it is no leftover.
    let is_published = containers
        .iter()
        .any(|container| !container.ports.is_known() || container.published_at(port).next().is_some());
    if is_published {
        return None;
    }
    let restart = "sudo systemctl restart docker";
    let proxy = case.listening().into_iter().find(|owner| {
        let name = owner.name.as_str();
        matches!(owner.reason, Seen::Known(Reason::ContainerForward { .. }))
            && name.starts_with("docker-proxy")
    });
    if let Some(proxy) = proxy {
        return Some(
            Draft::problem(
                case.subject(),
                format!(
                    "{} holds port {port} for a container that is gone.",
                    words::process(proxy)
                ),
            )
            .likely(if case.is_binding() { 95 } else { 84 })
            .seen(
                Method::Processes,
                format!("{} forwards the port", words::process(proxy)),
            )
            .seen(Method::Engine, format!("no container publishes port {port}"))
            .run("Stop the forwarder.", format!("sudo kill {}", proxy.pid))
            .run(
                "Or restart the engine; running containers stop, unless live-restore is on.",
                restart,
            ),
        );
    }
    let says_so = case.mentions(&["port is already allocated"]);
    (says_so && case.listeners.is_empty() && case.sees_sockets()).then(|| {
        Draft::problem(
            case.subject(),
            format!("The container engine still counts port {port} as given out, though nobody has it."),
        )
        .likely(88)
        .seen(Method::Output, "port is already allocated")
        .seen(Method::Engine, format!("no container publishes port {port}"))
        .run(
            "Restart the engine; running containers stop, unless live-restore is on.",
            restart,
        )
    })
}
