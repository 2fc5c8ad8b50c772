//! Somebody listens, and elsewhere.

use wharf_facts::{Exposure, Meeting, SocketFacts};

use super::nothing::{listeners_seen, quoted};
use super::{ALL, Need, id};
use crate::case::{Case, is_work, order};
use crate::draft::Draft;
use crate::{Method, Rule, Target, program, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("other-address-only"),
        number: 6,
        title: "It listens on another address only",
        symptom: "it works on one address of this machine and is refused on the other",
        platforms: ALL,
        needs: &[Need::Sockets],
        detect: other_address_only,
    },
    Rule {
        id: id("moved-to-next-port"),
        number: 8,
        title: "It listens on another port than it was told",
        symptom: "the server says it has started, and nothing is at its port",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Processes, Need::Ours],
        detect: moved_to_next_port,
    },
];

fn other_address_only(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    if case.listeners.is_empty() || case.is_binding() {
        return None;
    }
    let met = |address: &str| {
        let met = address.parse().ok().map(|address| case.meets(address));
        matches!(met, Some(Meeting::Nobody))
    };
    // The other family of loopback is another rule's: see `only-ipv6`.
    let misses_loopback = met("127.0.0.1") && met("::1");
    let asked = case.asked_address();
    let is_plain = asked.is_none_or(|address| ["127.0.0.1", "::1"].contains(&address.to_string().as_str()));
    let is_asked = match asked.filter(|_| !is_plain) {
        Some(address) => {
            matches!(case.meets(address), Meeting::Nobody) && case.is_here(address) == Some(true)
        }
        None => {
            let asks_loopback = asked.is_some() || case.asked_name().is_some_and(leads_to_loopback);
            misses_loopback && (asks_loopback || case.is_connecting())
        }
    };
    // Nobody asked for loopback: people's own servers are meant to be there, machine's services may
    // be elsewhere.
    let is_off_loopback = |row: &&SocketFacts| !Exposure::of(row.socket.local.ip()).is_local();
    let is_own = misses_loopback
        && matches!(case.target, Some(Target::Port(_)))
        && case.listeners.iter().all(is_off_loopback)
        && case.listening().into_iter().any(is_work);
    if !is_asked && !is_own {
        return None;
    }
    let mut addresses: Vec<_> = case.listeners.iter().map(|row| row.socket.local.ip()).collect();
    addresses.dedup();
    let by_interface = case.listeners.iter().find_map(|row| row.socket.interface);
    let instead = asked.filter(|_| is_asked);
    let instead = instead.map_or("localhost".to_owned(), |address| address.to_string());
    let mut draft = Draft::problem(
        case.subject(),
        format!(
            "{} listens on {} only, so {instead} is refused.",
            case.whos(),
            words::join(&addresses)
        ),
    )
    .likely(if is_asked { 90 } else { 70 })
    .seen(Method::Sockets, listeners_seen(case));
    if let Some(index) = by_interface {
        draft = draft.seen(
            Method::Sockets,
            format!("it is bound to the interface number {index}"),
        );
    }
    if let Some(first) = case
        .listeners
        .iter()
        .find(|row| !row.socket.local.ip().is_unspecified())
    {
        draft = draft.fix(format!("Use {} in place of {instead}.", first.socket.local));
    }
    Some(draft.fix(format!(
        "Or let the server listen on {instead}, port {port}, too."
    )))
}

/// Whether a name leads to loopback by what it is (RFC 6761, section 6.3).
fn leads_to_loopback(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn moved_to_next_port(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    if !case.sees_sockets() {
        return None;
    }
    if let Some(draft) = service_elsewhere(case, port) {
        return Some(draft);
    }
    if case.is_binding() || case.leads_elsewhere() {
        return None;
    }
    if let Some(draft) = told_and_elsewhere(case, port) {
        return Some(draft);
    }
    if !case.listeners.is_empty() {
        return None;
    }
    // Who is known to move on when its port is taken, and is just above.
    let is_next = |row: &&SocketFacts| row.port() > port && row.port() - port <= 5;
    let mut rows: Vec<&SocketFacts> = case.snapshot.listeners().filter(is_next).collect();
    rows.sort_by_key(|row| order_from(port, row));
    let (row, owner, known) = rows.iter().find_map(|row| {
        let owner = case.owners(row).into_iter().find(|owner| is_work(owner))?;
        let known = program::of(owner).filter(|known| known.moves_on)?;
        Some((*row, owner, known))
    })?;
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "Nothing listens on port {port}, but {} is on {}.",
                known.name,
                row.port()
            ),
        )
        .likely(72)
        .seen(
            Method::Sockets,
            format!("{} listens on {}", words::process(owner), row.socket.local),
        )
        .seen(
            Method::Processes,
            format!("{} takes the next port when its own is taken", known.name),
        )
        .fix(format!("Go to port {}.", row.port())),
    )
}

/// The nearest port first.
fn order_from(port: u16, row: &SocketFacts) -> impl Ord + use<> {
    (row.port().abs_diff(port), order(row))
}

/// Who was told this port by name, and listens only elsewhere.
fn told_and_elsewhere(case: &Case<'_>, port: u16) -> Option<Draft> {
    let mut told: Vec<_> = case
        .snapshot
        .processes
        .items()
        .iter()
        .filter(|process| is_work(process))
        .filter_map(|process| Some((process, told_by(process, port)?)))
        .filter(|(process, _)| {
            !case
                .listeners
                .iter()
                .any(|own| own.owner.pids().contains(&process.pid))
        })
        .collect();
    told.sort_by_key(|(process, _)| process.pid);
    let found = told.into_iter().find_map(|(process, told_by)| {
        let is_its = |row: &&SocketFacts| row.owner.pids().contains(&process.pid);
        let row = case.snapshot.listeners().filter(is_its);
        Some((process, told_by, row.min_by_key(|row| order_from(port, row))?))
    });
    let (owner, (fact, method), row) = found?;
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "{} was told port {port} and listens on {}.",
                words::process(owner),
                row.port()
            ),
        )
        .likely(92)
        .seen(method, fact)
        .seen(Method::Sockets, format!("it listens on {}", row.socket.local))
        .fix(format!(
            "Go to port {}, or stop who has port {port} and start it again.",
            row.port()
        )),
    )
}

/// A service of ours that listens elsewhere than it was told.
fn service_elsewhere(case: &Case<'_>, port: u16) -> Option<Draft> {
    let ours = case.snapshot.ours.known()?;
    let mut services = ours
        .stacks
        .iter()
        .flat_map(|stack| stack.services.iter().map(move |service| (stack, service)));
    let (stack, service) = services.find(|(_, service)| {
        let at = |addresses: &[std::net::SocketAddr]| addresses.iter().any(|address| address.port() == port);
        at(&service.told) && !service.listens.is_empty() && !at(&service.listens)
    })?;
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "`{}` of the stack {} was told port {port} and listens on {}.",
                service.name,
                stack.name,
                words::join(&service.listens)
            ),
        )
        .likely(93)
        .seen(
            Method::Records,
            "Wharf has seen where it listens, and leads its links there",
        )
        .run(
            "Ask Wharf for its address.",
            format!("wharf url {}", quoted(&service.name)),
        ),
    )
}

/// How `owner` was told `port`: by a variable or by a flag.
fn told_by(owner: &wharf_facts::ProcessFacts, port: u16) -> Option<(String, Method)> {
    let text = port.to_string();
    let variables = owner.environment.items().iter();
    let mut ports = variables.filter(|variable| variable.name.ends_with("PORT") && variable.value == text);
    if let Some(variable) = ports.next() {
        return Some((
            format!("its environment has {}={port}", variable.name),
            Method::Environment,
        ));
    }
    let words = owner.command.items();
    let is_flag = words.iter().enumerate().any(|(index, word)| {
        let before = index.checked_sub(1).and_then(|before| words.get(before));
        *word == text && before.is_some_and(|flag| flag == "--port" || flag == "-p")
            || word.strip_prefix("--port=") == Some(&text)
    });
    is_flag.then(|| (format!("its command line says {port}"), Method::Processes))
}
