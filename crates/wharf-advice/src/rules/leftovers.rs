//! Nobody listens, and connections have the port.

use wharf_facts::{SocketFacts, TcpState};

use super::in_use::is_given_out;
use super::{ALL, Need, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("time-wait"),
        number: 23,
        title: "Finished connections rest on the port",
        symptom: "address already in use, right after I stopped the server",
        platforms: ALL,
        needs: &[Need::Sockets],
        detect: time_wait,
    },
    Rule {
        id: id("held-by-outgoing"),
        number: 24,
        title: "A connection that goes out has the port",
        symptom: "address already in use, and nothing listens; sometimes, after a restart",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Settings],
        detect: held_by_outgoing,
    },
    Rule {
        id: id("draining-old-process"),
        number: 34,
        title: "The old server has stopped listening and not ended",
        symptom: "address already in use after a restart; nothing listens, connections are still open",
        platforms: ALL,
        needs: &[Need::Sockets],
        detect: draining_old_process,
    },
];

fn resting<'a>(case: &Case<'a>) -> Vec<&'a SocketFacts> {
    let rows = case.connections.iter().copied();
    rows.filter(|row| row.socket.state == TcpState::TimeWait)
        .collect()
}

fn is_free_of_listeners(case: &Case<'_>) -> bool {
    case.sees_sockets() && case.listeners.is_empty() && case.bound.is_empty()
}

fn time_wait(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let rows = resting(case);
    let first = rows.first()?;
    let live = case.connections.len() > rows.len();
    if !is_free_of_listeners(case) || live || (case.is_connecting() && !case.is_binding()) {
        return None;
    }
    let longest = rows
        .iter()
        .filter_map(|row| row.timer)
        .map(|timer| timer.expires_ms)
        .max();
    let wait = longest.map_or(60, |longest| longest.div_ceil(1000));
    let resting = match rows.len() {
        1 => "one finished connection still rests".to_owned(),
        number => format!("{number} finished connections still rest"),
    };
    let draft = if case.finds_port_in_use() {
        Draft::problem(
            case.subject(),
            format!("Nobody has port {port}: {resting} there (TIME_WAIT), and your server does not set SO_REUSEADDR."),
        )
        .likely(92)
    } else {
        Draft::warning(
            case.subject(),
            format!("Nobody has port {port}, but {resting} there: a server without SO_REUSEADDR cannot take it yet."),
        )
        .likely(62)
    };
    Some(
        draft
            .seen(
                Method::Sockets,
                format!("TIME_WAIT from {} to {}, for at most {wait} s more", first.socket.local, first.socket.remote),
            )
            .fix(format!("Wait {wait} seconds."))
            .fix("Or set SO_REUSEADDR before bind(), as servers do: allow_reuse_address in Python's socketserver, ReuseAddr in Perl's IO::Socket."),
    )
}

/// Connections that are alive and have the port for their near end.
fn living<'a>(case: &Case<'a>) -> Vec<&'a SocketFacts> {
    let rows = case.connections.iter().copied();
    let is_alive =
        |row: &&SocketFacts| !matches!(row.socket.state, TcpState::TimeWait | TcpState::NewSynReceived);
    rows.filter(is_alive).collect()
}

fn held_by_outgoing(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let rows = living(case);
    let row = rows.first()?;
    // Of a connection to itself another rule tells.
    let is_own = row.socket.local == row.socket.remote;
    if !is_free_of_listeners(case) || is_given_out(case) != Some(true) || is_own {
        return None;
    }
    let who = case.who(row);
    let to = row.socket.remote;
    let draft = if case.finds_port_in_use() {
        Draft::problem(
            case.subject(),
            format!(
                "{who} has port {port} for a connection to {to}: the kernel gave it that port by itself."
            ),
        )
        .likely(93)
    } else {
        Draft::warning(
            case.subject(),
            format!("Nothing listens on port {port}; {who} has it for a connection to {to}, so no server can take it now."),
        )
        .likely(64)
    };
    let range = case.snapshot.settings.ephemeral.known();
    let range = range.map_or_else(String::new, ToString::to_string);
    // The setting is a list, and writing it replaces the whole.
    let mut reserved: Vec<String> = case
        .snapshot
        .settings
        .reserved
        .items()
        .iter()
        .map(ToString::to_string)
        .collect();
    reserved.push(port.to_string());
    Some(
        draft
            .seen(
                Method::Sockets,
                format!("{} is connected to {to}", row.socket.local),
            )
            .seen(
                Method::Settings,
                format!("the kernel gives out {range} by itself"),
            )
            .run(
                "Take a port below that range for servers.",
                "PORT=$(wharf port web)",
            )
            .run(
                "Or keep this one out of it.",
                format!(
                    "sudo sysctl -w net.ipv4.ip_local_reserved_ports={}",
                    reserved.join(",")
                ),
            ),
    )
}

fn draining_old_process(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let rows = living(case);
    let row = rows.first()?;
    if !is_free_of_listeners(case) || is_given_out(case) != Some(false) {
        return None;
    }
    let who = case.who(row);
    let open = words::count(rows.len(), "connection");
    let draft = if case.finds_port_in_use() {
        Draft::problem(
            case.subject(),
            format!("{who} listens no more, and still has {open} on port {port}: it has not ended yet."),
        )
        .likely(93)
    } else {
        Draft::warning(
            case.subject(),
            format!("{who} listens on port {port} no more, and still has {open} there."),
        )
        .likely(66)
    }
    .seen(
        Method::Sockets,
        format!(
            "{} is in {} with {}",
            row.socket.local, row.socket.state, row.socket.remote
        ),
    )
    .fix("Wait for the old process to end, not for the port to be closed.");
    Some(match row.owner.pids().iter().min() {
        Some(pid) => draft.run("Or end it.", format!("kill {pid}")),
        None => draft,
    })
}
