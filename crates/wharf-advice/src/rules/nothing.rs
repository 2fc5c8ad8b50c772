//! Nothing answers.

use wharf_facts::{PortRange, Reason, Seen, SocketFacts, TcpState};

use super::{ALL, LINUX, Need, UNIX, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, port_facts, words};

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
