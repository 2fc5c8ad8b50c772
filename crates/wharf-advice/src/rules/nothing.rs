//! Nothing answers.

use wharf_facts::{Exposure, Holder, PortRange, ProcessState, Reason, Seen, SocketFacts, Spoken, TcpState};

use super::{ALL, LINUX, Need, UNIX, id};
use crate::case::{Case, is_work, order};
use crate::draft::Draft;
use crate::{Failure, Method, Rule, Target, port_facts, program, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("nothing-listens"),
        number: 1,
        title: "Nothing listens there",
        symptom: "connection refused (ECONNREFUSED)",
        platforms: ALL,
        needs: &[Need::Sockets],
        detect: nothing_listens,
    },
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
        id: id("not-accepting"),
        number: 7,
        title: "It listens and does not accept",
        symptom: "the connection stands, and nothing ever comes back",
        platforms: UNIX,
        needs: &[Need::Sockets, Need::Processes],
        detect: not_accepting,
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
    Rule {
        id: id("loopback-down"),
        number: 70,
        title: "The loopback interface is down",
        symptom: "network is unreachable, even to 127.0.0.1",
        platforms: UNIX,
        needs: &[Need::Interfaces],
        detect: loopback_down,
    },
    Rule {
        id: id("bound-not-listening"),
        number: 71,
        title: "The port is bound, and nobody listens",
        symptom: "refused when I connect, and in use when I start my server",
        platforms: LINUX,
        needs: &[Need::Sockets],
        detect: bound_not_listening,
    },
    Rule {
        id: id("udp-only"),
        number: 72,
        title: "The port is open for UDP only",
        symptom: "the port is open, and TCP connections to it are refused",
        platforms: ALL,
        needs: &[Need::Sockets],
        detect: udp_only,
    },
];

/// Whether nobody is at the port: no listener, and no container that publishes it.
pub(super) fn is_nobody_there(case: &Case<'_>) -> bool {
    case.sees_sockets()
        && case.port.is_some()
        && case.listeners.is_empty()
        && case.published().is_none()
        && !case.leads_elsewhere()
}

fn nothing_listens(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    // Where UDP is served and nobody says that TCP was meant, it may be UDP that is asked about.
    let means_udp = !case.udp.is_empty() && case.scheme().is_none() && !case.is_connecting();
    if !is_nobody_there(case) || case.is_binding() || means_udp {
        return None;
    }
    let mut draft = Draft::problem(case.subject(), format!("Nothing listens on port {port}."))
        .likely(60)
        .seen(
            Method::Sockets,
            format!("the kernel has no TCP listener on port {port}, of either family"),
        );
    if let Some(lease) = port_facts::lease(case.snapshot, port) {
        let age = words::age(case.snapshot, lease.last_used);
        let age = age.map_or_else(String::new, |age| format!(", last {age} ago"));
        draft = draft.seen(
            Method::Records,
            format!("it is the port of `{}` of {}{age}", lease.service, lease.checkout),
        );
        return Some(draft.run(
            format!("Start `{}` where it belongs.", lease.service),
            format!("cd {} && wharf up", quoted(&lease.checkout)),
        ));
    }
    let is_temporary = case
        .snapshot
        .settings
        .ephemeral
        .known()
        .is_some_and(|range| range.contains(port));
    if is_temporary {
        draft = draft.seen(
            Method::Settings,
            "it is one of the ports that the kernel gives out for a while: who had it has most likely ended",
        );
        return Some(draft.fix("Look why the program that had it has ended: the port itself means nothing."));
    }
    Some(draft.fix("Start the server, or see in its log which port it really took."))
}

/// A word of a shell, quoted where it must be.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn other_address_only(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    if case.listeners.is_empty() || case.is_binding() {
        return None;
    }
    let met = |address: &str| {
        let met = address.parse().ok().map(|address| case.meets(address));
        matches!(met, Some(wharf_facts::Meeting::Nobody))
    };
    // The other family of loopback is another rule's: see `only-ipv6`.
    let misses_loopback = met("127.0.0.1") && met("::1");
    let asked = case.asked_address();
    let misses_asked = asked.is_some_and(|address| {
        matches!(case.meets(address), wharf_facts::Meeting::Nobody) && case.is_here(address) == Some(true)
    });
    let by_name = case.asked_name().is_some_and(leads_to_loopback);
    let asks_loopback = asked.map_or(by_name, |address| address.is_loopback());
    let is_asked = if asked.is_some() && !asks_loopback {
        misses_asked
    } else {
        misses_loopback && (asks_loopback || case.is_connecting())
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
    let instead = asked.filter(|_| is_asked && !asks_loopback);
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

/// Who listens at the port and where, as evidence.
pub(super) fn listeners_seen(case: &Case<'_>) -> String {
    let each = case.listeners.iter().map(|row| {
        let only = match row.socket.v6only {
            Some(true) if row.socket.local.ip().is_unspecified() => " (IPv6 only)",
            _ => "",
        };
        format!("{}{only} by {}", row.socket.local, case.who(row))
    });
    format!("listening: {}", words::join(each))
}

fn not_accepting(case: &Case<'_>) -> Option<Draft> {
    if case.is_binding() {
        return None;
    }
    let halted = case.listeners.iter().find_map(|row| halted(case, row));
    halted.or_else(|| case.listeners.iter().find_map(|row| overfull(case, row)))
}

/// All who could accept are stopped.
fn halted(case: &Case<'_>, row: &SocketFacts) -> Option<Draft> {
    let owners = case.owners(row);
    let all_seen = matches!(&row.owner, Holder::Pids(pids) if pids.len() == owners.len());
    if !all_seen || !owners.iter().all(|owner| owner.state.is_halted()) {
        return None;
    }
    let owner = owners.first()?;
    let at = row.socket.local;
    let draft = match owner.state {
        ProcessState::Traced => Draft::problem(
            at,
            format!(
                "{} is stopped by a debugger, so it accepts nothing.",
                words::process(owner)
            ),
        )
        .fix("Let it go on in the debugger."),
        _ => Draft::problem(
            at,
            format!(
                "{} is stopped (Ctrl-Z, or SIGSTOP), so it accepts nothing.",
                words::process(owner)
            ),
        )
        .run(
            "Let it go on; in its own terminal, `fg` does so too.",
            format!("kill -CONT {}", owner.pid),
        ),
    };
    Some(
        draft
            .likely(94)
            .seen(
                Method::Processes,
                format!(
                    "the state of {} is {}",
                    words::process(owner),
                    state_letter(owner.state)
                ),
            )
            .seen(Method::Sockets, waiting_seen(row)),
    )
}

fn state_letter(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Traced => "t (traced)",
        _ => "T (stopped)",
    }
}

fn waiting_seen(row: &SocketFacts) -> String {
    format!(
        "{} to be accepted at {}, of at most {}",
        match row.socket.receive_queue {
            1 => "1 connection waits".to_owned(),
            waiting => format!("{waiting} connections wait"),
        },
        row.socket.local,
        row.socket.send_queue
    )
}

/// So many wait that nobody can be taking them in.
fn overfull(case: &Case<'_>, row: &SocketFacts) -> Option<Draft> {
    let (waiting, backlog) = (row.socket.receive_queue, row.socket.send_queue);
    // The kernel drops a SYN once more than the backlog wait (include/net/sock.h:
    // sk_acceptq_is_full).
    let is_full = waiting > 0 && waiting >= backlog;
    let is_long = waiting >= 8 && waiting >= backlog / 2;
    let is_silent = waiting > 0
        && case
            .probes
            .iter()
            .any(|probe| row.socket.covers(probe.address) && probe.protocol == Seen::Known(Spoken::Silent));
    if !is_full && !is_long && !is_silent {
        return None;
    }
    let who = case.who(row);
    let at = row.socket.local;
    let says = if is_full {
        format!("{who} does not accept: its queue is full, and further connections hang.")
    } else {
        format!("{who} listens and does not keep up with accepting.")
    };
    let draft = Draft::problem(at, says)
        .likely(if is_full { 90 } else { 75 })
        .seen(Method::Sockets, waiting_seen(row));
    let pid = row.owner.pids().iter().min();
    Some(match pid {
        Some(pid) => draft
            .run("See where it is stuck.", format!("cat /proc/{pid}/stack /proc/{pid}/wchan"))
            .fix("Look for a blocked event loop, a lock, or a pool of workers that is used up; then restart it."),
        None => draft.fix("Look for a blocked event loop or a pool of workers that is used up; then restart it."),
    })
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
    let mut rows: Vec<&SocketFacts> = case
        .snapshot
        .listeners()
        .filter(|row| row.port() != port)
        .collect();
    rows.sort_by_key(|row| (row.port().abs_diff(port), order(row)));
    // Who was told this port by name, and listens only elsewhere.
    let told = rows.iter().find_map(|row| {
        let owner = case.owners(row).into_iter().find(|owner| is_told(owner, port))?;
        let has_it = case
            .listeners
            .iter()
            .any(|own| own.owner.pids().contains(&owner.pid));
        (!has_it).then_some((*row, owner))
    });
    if let Some((row, owner)) = told {
        let (fact, method) = told_by(owner, port)?;
        return Some(
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
        );
    }
    if !case.listeners.is_empty() {
        return None;
    }
    // Who is known to move on when its port is taken, and is just above.
    let (row, owner, known) = rows.iter().find_map(|row| {
        let is_next = row.port() > port && row.port() - port <= 5;
        let owner = case.owners(row).into_iter().find(|owner| is_work(owner))?;
        let known = program::of(owner).filter(|known| known.moves_on && is_next)?;
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

/// Whether `owner` was told `port`, by a variable or by a flag.
fn is_told(owner: &wharf_facts::ProcessFacts, port: u16) -> bool {
    is_work(owner) && told_by(owner, port).is_some()
}

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
    let flag = words.iter().enumerate().find(|(index, word)| {
        let before = index.checked_sub(1).and_then(|before| words.get(before));
        let is_value = **word == text && before.is_some_and(|flag| flag == "--port" || flag == "-p");
        is_value || word.strip_prefix("--port=") == Some(&text)
    })?;
    let _ = flag;
    Some((format!("its command line says {port}"), Method::Processes))
}

fn loopback_down(case: &Case<'_>) -> Option<Draft> {
    let interfaces = case.snapshot.interfaces.known()?;
    let mut all = interfaces
        .iter()
        .filter(|each| each.loopback == Seen::Known(true));
    let lo = all.next()?;
    let is_down = lo.up == Seen::Known(false);
    let has_address = lo.addresses.iter().any(|own| own.address.is_loopback());
    if !is_down && has_address {
        return None;
    }
    let says = if is_down {
        format!(
            "The loopback interface {} is down, so nothing on this machine reaches 127.0.0.1 or ::1.",
            lo.name
        )
    } else {
        format!("The loopback interface {} has no loopback address.", lo.name)
    };
    let linux = case.snapshot.system.os.known().is_none_or(|os| os == "linux");
    let command = if linux {
        format!("sudo ip link set {} up", lo.name)
    } else {
        format!("sudo ifconfig {} up", lo.name)
    };
    Some(
        Draft::problem(&lo.name, says)
            .likely(99)
            .seen(
                Method::Interfaces,
                format!(
                    "the flag UP of {} is {}",
                    lo.name,
                    if is_down { "off" } else { "on" }
                ),
            )
            .run("Bring it up.", command),
    )
}

fn bound_not_listening(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let row = case.bound.first().filter(|_| case.listeners.is_empty())?;
    let who = case.who(row);
    let lease = port_facts::lease(case.snapshot, port);
    let held = lease.filter(|lease| {
        lease.holder.is_some_and(|pid| row.owner.pids().contains(&pid))
            || case.owners(row).iter().any(|owner| is_wharf(owner))
    });
    let seen = format!("{} is bound and not listening, by {who}", row.socket.local);
    if let Some(lease) = held {
        return Some(
            Draft::note(
                case.subject(),
                format!(
                    "Wharf holds port {port} for `{}` of {}, which does not listen yet.",
                    lease.service, lease.checkout
                ),
            )
            .likely(if case.is_binding() { 90 } else { 66 })
            .seen(Method::Sockets, seen)
            .seen(
                Method::Records,
                format!("the lease is of `{}` of {}", lease.service, lease.checkout),
            )
            .fix("Start the server: one that sets SO_REUSEADDR, as nearly all do, listens over the hold.")
            .run(
                "Or give the port up.",
                format!("wharf release {}", quoted(&lease.service)),
            ),
        );
    }
    let draft = Draft::problem(
        case.subject(),
        format!("{who} has bound port {port} and does not listen, so connections are refused and others cannot take it."),
    )
    .likely(if case.finds_port_in_use() { 92 } else { 67 })
    .seen(Method::Sockets, seen);
    Some(match row.owner.pids().iter().min() {
        Some(pid) => draft.run("If it is stuck, stop it.", format!("kill {pid}")),
        None => draft.run("See whose it is.", format!("sudo wharf explain {port}")),
    })
}

/// Whether a process is Wharf's own.
pub(super) fn is_wharf(process: &wharf_facts::ProcessFacts) -> bool {
    process.name == "wharf" || matches!(process.reason, Seen::Known(Reason::Stack { .. }))
}

fn udp_only(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let row = case.udp.first()?;
    let asks_tcp = case.is_connecting() || case.scheme().is_some();
    let is_refused = !matches!(case.failure(), Some(Failure::TimedOut | Failure::NameUnknown));
    if !is_nobody_there(case) || !asks_tcp || !is_refused {
        return None;
    }
    let is_temporary = |range: &PortRange| range.contains(port);
    if case.snapshot.settings.ephemeral.known().is_some_and(is_temporary) {
        return None;
    }
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "{} has port {port} for UDP; for TCP nothing listens there.",
                case.who(row)
            ),
        )
        .likely(74)
        .seen(
            Method::Sockets,
            format!(
                "UDP {} is bound, and TCP {port} has no listener",
                row.socket.local
            ),
        )
        .fix("Speak UDP to it, or start what should listen for TCP."),
    )
}

/// Connections that are being made to `case`'s port and get no answer.
pub(super) fn unanswered<'a>(case: &Case<'a>) -> Option<&'a SocketFacts> {
    let is_waiting = |row: &&&SocketFacts| {
        let repeats = row.timer.map_or(0, |timer| timer.retransmits);
        row.socket.state == TcpState::SynSent && repeats > 0
    };
    case.towards.iter().find(is_waiting).copied()
}
