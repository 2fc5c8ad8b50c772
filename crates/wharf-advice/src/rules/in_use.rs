//! Somebody has the port.

use std::net::IpAddr;

use wharf_facts::{Holder, Protocol, Reason, Seen, SocketFacts, well_known};

use super::nothing::{is_wharf, listeners_seen, quoted};
use super::{ALL, MACOS, Need, UNIX, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("in-use"),
        number: 21,
        title: "The port is taken",
        symptom: "address already in use (EADDRINUSE)",
        platforms: ALL,
        needs: &[Need::Symptom, Need::Sockets, Need::Processes],
        detect: in_use,
    },
    Rule {
        id: id("owner-hidden"),
        number: 22,
        title: "Somebody listens whom you may not see",
        symptom: "the port is in use, and ss and lsof show no process",
        platforms: UNIX,
        needs: &[Need::Sockets, Need::Processes],
        detect: owner_hidden,
    },
    Rule {
        id: id("wildcard-conflict"),
        number: 25,
        title: "A listener on all addresses has this one too",
        symptom: "address already in use, though the other server is on another address",
        platforms: ALL,
        needs: &[Need::Symptom, Need::Sockets],
        detect: wildcard_conflict,
    },
    Rule {
        id: id("airplay-receiver"),
        number: 30,
        title: "AirPlay has the port",
        symptom: "port 5000 or 7000 is in use on my Mac, or answers 403",
        platforms: MACOS,
        needs: &[Need::Sockets, Need::Processes],
        detect: airplay_receiver,
    },
    Rule {
        id: id("editor-took-port"),
        number: 32,
        title: "An editor has the port",
        symptom: "the port is in use by my editor",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Processes],
        detect: editor_took_port,
    },
    Rule {
        id: id("orphan"),
        number: 33,
        title: "The server was left behind by a session that is gone",
        symptom: "I closed the terminal, and the port is still in use",
        platforms: UNIX,
        needs: &[Need::Sockets, Need::Processes],
        detect: orphan,
    },
];

/// The ways out of a port that is taken.
fn ways_out(case: &Case<'_>, draft: Draft) -> Draft {
    draft.run("Stop it.", case.stop_command()).run(
        "Or give your server a port of its own, the same each day.",
        "PORT=$(wharf port web)",
    )
}

fn in_use(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    if !case.finds_port_in_use() || wildcard_conflict(case).is_some() {
        return None;
    }
    let owners = case.listening();
    let owner = owners.first()?;
    let draft = Draft::problem(
        case.subject(),
        format!("Port {port} is taken by {}.", words::process(owner)),
    )
    .likely(90)
    .seen(Method::Sockets, listeners_seen(case))
    .seen(Method::Processes, words::introduce(case.snapshot, owner));
    Some(ways_out(case, draft))
}

fn owner_hidden(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let hidden = case.listeners.iter().find(|row| {
        let unit = words::unit(row).is_some() && !case.finds_port_in_use();
        row.owner == Holder::Hidden && !unit
    })?;
    let uid = hidden.socket.uid;
    let custom = well_known(Protocol::Tcp, port);
    // What a distribution ships is at its custom port, under a user of its own.
    if !case.finds_port_in_use() && uid < 1000 && custom.is_some() {
        return None;
    }
    let user = words::user(case.snapshot, uid);
    let mut draft = if case.finds_port_in_use() {
        Draft::problem(
            case.subject(),
            format!("Port {port} is taken by a process of {user}, which you may not see."),
        )
        .likely(93)
    } else {
        Draft::note(
            case.subject(),
            format!("A process of {user} listens on port {port}; you may not see which."),
        )
        .likely(45)
    }
    .seen(
        Method::Sockets,
        format!("{} listens, and belongs to {user}", hidden.socket.local),
    )
    .seen(Method::Processes, "no process that you may look into has it open");
    if let Some(unit) = words::unit(hidden) {
        draft = draft.seen(Method::Sockets, format!("it was made in the cgroup of {unit}"));
    } else if let Some(custom) = custom {
        draft = draft.seen(
            Method::Standard,
            format!("port {port} is usually {}", custom.usual),
        );
    }
    Some(draft.run("Ask as root.", format!("sudo wharf explain {port}")))
}

/// Whether the kernel may have given the port out to a connection.
pub(super) fn is_given_out(case: &Case<'_>) -> Option<bool> {
    let port = case.port?;
    Some(case.snapshot.settings.ephemeral.known()?.contains(port))
}

/// Whether a socket bound to `one` keeps another from `other`, for all that they differ
/// (`ipv6_rcv_saddr_equal` of net/ipv4/inet_connection_sock.c).
fn conflicts(one: &SocketFacts, other: IpAddr) -> bool {
    let bound = one.socket.local.ip().to_canonical();
    let other = other.to_canonical();
    if bound == other {
        return false;
    }
    let takes_both = bound.is_ipv6() && bound.is_unspecified() && one.socket.v6only != Some(true);
    let same_family = bound.is_ipv4() == other.is_ipv4();
    let wild = bound.is_unspecified() || other.is_unspecified();
    // `::` of a new socket takes IPv4 too, unless it is told otherwise.
    let asks_both = other.is_ipv6() && other.is_unspecified();
    takes_both || asks_both || (same_family && wild)
}

fn wildcard_conflict(case: &Case<'_>) -> Option<Draft> {
    let asked = case.asked_address().filter(|_| case.finds_port_in_use())?;
    let port = case.port?;
    let is_same = |row: &&SocketFacts| row.socket.local.ip().to_canonical() == asked.to_canonical();
    if case.listeners.iter().any(is_same) {
        return None;
    }
    let row = case.listeners.iter().find(|row| conflicts(row, asked))?;
    let wanted = std::net::SocketAddr::new(asked, port);
    let draft = Draft::problem(
        wanted,
        format!(
            "{wanted} cannot be taken while {} listens on {}, which {}.",
            case.who(row),
            row.socket.local,
            if row.socket.local.ip().is_unspecified() {
                "is every address"
            } else {
                "is one of those"
            }
        ),
    )
    .likely(95)
    .seen(Method::Sockets, listeners_seen(case));
    Some(
        ways_out(case, draft)
            .fix("Addresses that do not overlap can share a port: 127.0.0.1, 127.0.0.2 and ::1."),
    )
}

fn airplay_receiver(case: &Case<'_>) -> Option<Draft> {
    let port = case.port.filter(|port| matches!(port, 5000 | 7000))?;
    // The name of a process may be cut at 15 bytes.
    let owner = case
        .listening()
        .into_iter()
        .find(|owner| owner.name.starts_with("ControlCe"))?;
    let is_hurt = case.is_binding() || matches!(case.failure(), Some(Failure::Http(403)));
    let says = format!("Port {port} is AirPlay's receiver, a part of macOS; it answers HTTP with 403.");
    let draft = if is_hurt {
        Draft::problem(case.subject(), says).likely(96)
    } else {
        Draft::note(case.subject(), says).likely(40)
    };
    Some(
        draft
            .seen(Method::Processes, format!("{} listens", words::process(owner)))
            .fix("Switch it off in System Settings → General → AirDrop & Handoff → AirPlay Receiver.")
            .run("Or take another port.", "PORT=$(wharf port web)"),
    )
}

/// Editors that take ports for themselves, to forward them.
const EDITORS: &[&str] = &[
    "code",
    "Code Helper",
    "code-server",
    "code-insiders",
    "codium",
    "cursor",
    "Cursor Helper",
    "windsurf",
];

fn editor_took_port(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let owner = case.listening().into_iter().find(|owner| {
        let exe = owner.exe.known().map_or("", String::as_str);
        let is_server = [".vscode-server/", ".cursor-server/"]
            .iter()
            .any(|part| exe.contains(part));
        EDITORS.contains(&owner.name.as_str()) || is_server
    })?;
    // On a temporary port it talks to itself.
    let is_temporary = is_given_out(case).unwrap_or(port >= 32768);
    if !case.finds_port_in_use() && is_temporary {
        return None;
    }
    let says = format!(
        "The editor {} has port {port}, most likely to forward it.",
        words::process(owner)
    );
    let draft = if case.finds_port_in_use() {
        Draft::problem(case.subject(), says).likely(94)
    } else {
        Draft::note(case.subject(), says).likely(42)
    };
    Some(
        draft
            .seen(Method::Processes, words::introduce(case.snapshot, owner))
            .fix("Close the port in the editor's list of ports (in VS Code: the panel Ports)."),
    )
}

fn orphan(case: &Case<'_>) -> Option<Draft> {
    let owner = case
        .listening()
        .into_iter()
        // A stack in the background has left its terminal on purpose.
        .find(|owner| matches!(owner.reason, Seen::Known(Reason::Orphan { .. })) && !is_wharf(owner))?;
    let says = format!(
        "{} was left behind: what started it is gone, and it goes on listening.",
        words::process(owner)
    );
    let draft = if case.finds_port_in_use() {
        Draft::problem(case.subject(), says).likely(94)
    } else {
        Draft::warning(case.subject(), says).likely(72)
    };
    let session = match &owner.reason {
        Seen::Known(Reason::Orphan {
            dead_session: Some(pid),
        }) => format!("; the leader of its session, {pid}, has ended"),
        _ => String::new(),
    };
    Some(
        draft
            .seen(
                Method::Processes,
                format!("its parent is {}{session}", owner.parent),
            )
            .seen(Method::Processes, words::introduce(case.snapshot, owner))
            .run("Stop it.", format!("kill {}", owner.pid))
            .run(
                "Next time, let Wharf run it: nothing outlives it.",
                format!(
                    "wharf run {}",
                    owner
                        .command
                        .items()
                        .iter()
                        .map(|word| quoted(word))
                        .collect::<Vec<_>>()
                        .join(" ")
                ),
            ),
    )
}
