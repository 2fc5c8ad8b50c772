//! Several have the port.

use wharf_facts::{Meeting, ProcessFacts, Reason, Seen, SocketFacts};

use super::nothing::listeners_seen;
use super::{ALL, LINUX, Need, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::rule::Platform;
use crate::{Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("specific-address-wins"),
        number: 26,
        title: "Two servers share the port, and the one with the exact address wins",
        symptom: "both servers started without an error, and the wrong one answers",
        platforms: &[Platform::Macos, Platform::Windows],
        needs: &[Need::Sockets, Need::Processes],
        detect: specific_address_wins,
    },
    Rule {
        id: id("reuseport-twins"),
        number: 27,
        title: "Several processes share the port's connections",
        symptom: "each request is answered by another version of my server",
        platforms: LINUX,
        needs: &[Need::Sockets, Need::Processes],
        detect: reuseport_twins,
    },
    Rule {
        id: id("split-brain"),
        number: 61,
        title: "Two programs share the port, one for each family",
        symptom: "localhost shows another thing than 127.0.0.1, or now one and now the other",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Processes],
        detect: split_brain,
    },
];

/// Whether one process descends from the other.
fn is_related(case: &Case<'_>, a: &ProcessFacts, b: &ProcessFacts) -> bool {
    let descends = |from: u32, of: u32| case.snapshot.ancestry(from).iter().any(|above| above.pid == of);
    descends(a.pid, b.pid) || descends(b.pid, a.pid)
}

/// Two listeners that have no process in common, the second of which no one of the first started.
fn strangers<'a>(
    case: &Case<'a>,
    one: &SocketFacts,
    other: &SocketFacts,
) -> Option<(&'a ProcessFacts, &'a ProcessFacts)> {
    let (first, second) = (case.owners(one), case.owners(other));
    // Workers have another command line than their master, and its name.
    let is_same =
        |a: &ProcessFacts, b: &ProcessFacts| a.pid == b.pid || (a.name == b.name && is_related(case, a, b));
    if first.iter().any(|a| second.iter().any(|b| is_same(a, b))) {
        return None;
    }
    Some((first.first().copied()?, second.first().copied()?))
}

fn specific_address_wins(case: &Case<'_>) -> Option<Draft> {
    let rows = case.listeners.iter().copied();
    let (wild, exact): (Vec<&SocketFacts>, Vec<&SocketFacts>) =
        rows.partition(|row| row.socket.local.ip().is_unspecified());
    let found = wild.iter().find_map(|wild| {
        let exact = exact
            .iter()
            .find(|exact| wild.socket.covers(exact.socket.local))?;
        let (loser, winner) = strangers(case, wild, exact)?;
        Some((*exact, loser, winner))
    });
    let (exact, loser, winner) = found?;
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "{} answers on {} in place of {}, which listens on all addresses.",
                words::process(winner),
                exact.socket.local,
                words::process(loser)
            ),
        )
        .likely(88)
        .seen(Method::Sockets, listeners_seen(case))
        .seen(Method::Processes, words::introduce(case.snapshot, winner))
        .run(
            "Stop the one that you do not mean.",
            format!("kill {}", winner.pid),
        ),
    )
}

fn reuseport_twins(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    for (index, one) in case.listeners.iter().enumerate() {
        let others = case.listeners.iter().skip(index + 1);
        for other in others.filter(|other| other.socket.local == one.socket.local) {
            let Some((a, b)) = strangers(case, one, other) else {
                continue;
            };
            // One supervisor that starts several means it.
            let managed = |process: &ProcessFacts| {
                matches!(
                    process.reason,
                    Seen::Known(Reason::Unit { .. } | Reason::Supervisor { .. } | Reason::Container { .. })
                )
            };
            if managed(a) && managed(b) && a.reason == b.reason {
                continue;
            }
            return Some(
                Draft::warning(
                    case.subject(),
                    format!(
                        "{} and {} share port {port}: the kernel deals its connections out between them.",
                        words::process(a),
                        words::process(b)
                    ),
                )
                .likely(84)
                .seen(
                    Method::Sockets,
                    format!("two sockets listen on {} (SO_REUSEPORT)", one.socket.local),
                )
                .seen(Method::Processes, words::introduce(case.snapshot, a))
                .seen(Method::Processes, words::introduce(case.snapshot, b))
                .run(
                    "If one of them is a leftover, stop the older.",
                    format!("kill {}", older(a, b).pid),
                ),
            );
        }
    }
    None
}

fn older<'a>(a: &'a ProcessFacts, b: &'a ProcessFacts) -> &'a ProcessFacts {
    if (b.start_time, b.pid) < (a.start_time, a.pid) {
        b
    } else {
        a
    }
}

fn split_brain(case: &Case<'_>) -> Option<Draft> {
    let (Meeting::Listeners(v4), Meeting::Listeners(v6)) = (case.meets_v4(), case.meets_v6()) else {
        return None;
    };
    let owners = |rows: &[&SocketFacts]| -> Vec<&ProcessFacts> {
        rows.iter().flat_map(|row| case.owners(row)).collect()
    };
    let (by_v4, by_v6) = (owners(&v4), owners(&v6));
    let (one, other) = (by_v4.first()?, by_v6.first()?);
    let is_same = |a: &ProcessFacts, b: &ProcessFacts| {
        // A fork keeps the command line; a forwarder has a process for each family.
        let is_fork =
            a.name == b.name && a.command == b.command && (is_related(case, a, b) || a.parent == b.parent);
        let forwards = matches!(a.reason, Seen::Known(Reason::ContainerForward { .. })) && a.name == b.name;
        a.pid == b.pid || is_fork || forwards
    };
    if by_v4.iter().any(|a| by_v6.iter().any(|b| is_same(a, b))) {
        return None;
    }
    let shown = |process| words::introduce(case.snapshot, process);
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "Two programs have this port: IPv4 reaches {}, IPv6 reaches {}.",
                words::process(one),
                words::process(other)
            ),
        )
        .likely(86)
        .seen(Method::Sockets, listeners_seen(case))
        .seen(Method::Processes, format!("IPv4: {}", shown(one)))
        .seen(Method::Processes, format!("IPv6: {}", shown(other)))
        .run(
            "Stop the one that you do not mean: IPv4's",
            format!("kill {}", one.pid),
        )
        .run("or IPv6's.", format!("kill {}", other.pid)),
    )
}
