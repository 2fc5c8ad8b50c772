//! Somebody listens, and does not accept.

use wharf_facts::{Holder, ProcessState, Seen, SocketFacts, Spoken};

use super::{Need, UNIX, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Method, Rule, words};

pub(super) const RULES: &[Rule] = &[Rule {
    id: id("not-accepting"),
    number: 7,
    title: "It listens and does not accept",
    symptom: "the connection stands, and nothing ever comes back",
    platforms: UNIX,
    needs: &[Need::Sockets, Need::Processes],
    detect: not_accepting,
}];

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
    // An ordinary user is never sure to have seen every owner: then the silence of the address counts.
    let is_silent = case
        .probes
        .iter()
        .any(|probe| row.socket.covers(probe.address) && probe.protocol == Seen::Known(Spoken::Silent));
    let nobody_answers = all_seen || is_silent;
    if !nobody_answers || !owners.iter().all(|owner| owner.state.is_halted()) {
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
    let is_macos = case.snapshot.system.os == Seen::Known("macos".to_owned());
    Some(match pid {
        Some(pid) => draft
            .run("See where it is stuck.", if is_macos { format!("sample {pid} 1") } else { format!("sudo cat /proc/{pid}/stack") })
            .fix("Look for a blocked event loop, a lock, or a pool of workers that is used up; then restart it."),
        None => draft.fix("Look for a blocked event loop or a pool of workers that is used up; then restart it."),
    })
}
