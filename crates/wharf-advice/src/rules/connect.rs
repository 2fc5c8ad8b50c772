//! Connections that go wrong.

use std::collections::BTreeMap;

use wharf_facts::{SocketFacts, TcpState};

use super::nothing::unanswered;
use super::{ALL, LINUX, Need, id};
use crate::case::{Case, order};
use crate::draft::Draft;
use crate::{Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("self-connect"),
        number: 40,
        title: "A client is connected to itself",
        symptom: "the server is stopped, and my client still connects and reads back what it wrote",
        platforms: ALL,
        needs: &[Need::Sockets],
        detect: self_connect,
    },
    Rule {
        id: id("close-wait-pile"),
        number: 42,
        title: "A program does not close its connections",
        symptom: "hundreds of connections in CLOSE_WAIT",
        platforms: ALL,
        needs: &[Need::Sockets],
        detect: close_wait_pile,
    },
    Rule {
        id: id("packets-dropped"),
        number: 76,
        title: "Packets to this machine's own address are dropped",
        symptom: "connecting hangs; it is neither accepted nor refused",
        platforms: LINUX,
        needs: &[Need::Sockets],
        detect: packets_dropped,
    },
];

fn self_connect(case: &Case<'_>) -> Option<Draft> {
    let rows = case.connections.iter().copied();
    let is_own = |row: &&SocketFacts| {
        row.socket.local == row.socket.remote && row.socket.state == TcpState::Established
    };
    let row = rows.filter(is_own).min_by_key(|row| order(row))?;
    let port = row.port();
    let who = case.who(row);
    let draft = Draft::problem(
        row.socket.local,
        format!("{who} is connected to itself: its port happened to be the one it was connecting to."),
    )
    .likely(97)
    .seen(
        Method::Sockets,
        format!("{} is connected to {}", row.socket.local, row.socket.remote),
    );
    let draft = match row.owner.pids().iter().min() {
        Some(pid) => draft.run(
            "End it; while it lives, no server can take the port.",
            format!("kill {pid}"),
        ),
        None => draft,
    };
    let range = case.snapshot.settings.ephemeral.known();
    let below = range.map_or(20000, |range| range.first());
    Some(draft.fix(format!(
        "Give the server a port below {below}, so that no client is ever given {}: `wharf port NAME`.",
        port
    )))
}

/// So many are a leak, and not a moment: of one port, and of a whole machine.
const PILE: usize = 10;
const MACHINES_PILE: usize = 100;

fn close_wait_pile(case: &Case<'_>) -> Option<Draft> {
    let mut piles: BTreeMap<Vec<u32>, Vec<&SocketFacts>> = BTreeMap::new();
    for row in case.connections.iter().chain(&case.towards) {
        if row.socket.state == TcpState::CloseWait {
            let mut pids = row.owner.pids().to_vec();
            pids.sort_unstable();
            piles.entry(pids).or_default().push(row);
        }
    }
    let (pids, rows) = piles
        .into_iter()
        .max_by_key(|(pids, rows)| (rows.len(), std::cmp::Reverse(pids.clone())))?;
    let least = if case.target.is_none() {
        MACHINES_PILE
    } else {
        PILE
    };
    let first = rows.iter().copied().min_by_key(|row| order(row))?;
    if rows.len() < least {
        return None;
    }
    let who = case.who(first);
    let draft = Draft::warning(
        &who,
        format!("{who} has {} connections open that the other end has closed long ago: it leaks them.", rows.len()),
    )
    .likely(if rows.len() >= 1000 { 88 } else { 76 })
    .seen(
        Method::Sockets,
        format!("{} in CLOSE_WAIT, such as {} from {}", words::count(rows.len(), "connection"), first.socket.local, first.socket.remote),
    )
    .fix("Close a connection once read() gives 0: the body of each response, each socket of a pool, in the error's path too.");
    Some(match pids.first() {
        Some(pid) => draft.run("Until it is mended, restart it.", format!("kill {pid}")),
        None => draft,
    })
}

fn packets_dropped(case: &Case<'_>) -> Option<Draft> {
    let row = unanswered(case)?;
    let to = row.socket.remote;
    let repeats = row.timer.map_or(0, |timer| timer.retransmits);
    // Connections to a full listener wait just so: another rule tells of it.
    let is_full =
        |listener: &&SocketFacts| listener.socket.receive_queue >= listener.socket.send_queue.max(1);
    if case.listeners.iter().any(is_full) {
        return None;
    }
    Some(
        Draft::problem(
            to,
            format!("Connections to {to} get no answer at all: a packet filter drops them."),
        )
        .likely(87)
        .seen(
            Method::Sockets,
            format!(
                "{} waits in SYN_SENT from {}, after {}",
                case.who(row),
                row.socket.local,
                words::count(usize::from(repeats), "repetition")
            ),
        )
        .run(
            "See which rule drops them.",
            "sudo nft list ruleset; sudo iptables -S",
        )
        .fix("Let it reject in place of dropping: then clients know at once."),
    )
}
