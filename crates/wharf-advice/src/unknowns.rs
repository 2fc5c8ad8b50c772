//! What could not be seen.

use wharf_facts::{Holder, Seen};

use crate::case::Case;
use crate::explanation::SOCKETS_UNSEEN;
use crate::words;

/// What could not be seen of what a case is about, and why.
pub(crate) fn unknowns(case: &Case<'_>) -> Vec<String> {
    let snapshot = case.snapshot;
    let mut all = Vec::new();
    if let Seen::Unknown(why) = &snapshot.tcp {
        all.push(format!("{SOCKETS_UNSEEN} {why}"));
    }
    if let Seen::Unknown(why) = &snapshot.udp {
        all.push(format!("UDP sockets: {why}"));
    }
    let rows = case.listeners.iter().chain(&case.udp).chain(&case.bound);
    for row in rows {
        let address = row.socket.local;
        match &row.owner {
            Holder::Hidden => all.push(format!(
                "who has {address}: a process of {}, which you may not look into; sudo shows it",
                words::user(snapshot, row.socket.uid)
            )),
            Holder::AtLeast(_) => {
                all.push(format!(
                    "who else has {address}: not every process may be looked into"
                ));
            }
            Holder::NotAsked => all.push(format!("who has {address}: nobody looked")),
            Holder::Pids(_) | Holder::Nobody => {}
        }
    }
    // Where somebody listens, nobody has to be looked for elsewhere.
    let is_empty = case.listeners.is_empty() && case.udp.is_empty();
    let elsewhere = |why| Option::filter(why, |_| is_empty);
    let others: [(&str, Option<&str>); 5] = [
        ("processes", snapshot.processes.why_unknown()),
        ("containers", elsewhere(snapshot.containers.why_unknown())),
        (
            "other network namespaces",
            elsewhere(snapshot.namespaces.why_unknown()),
        ),
        ("Wharf's own leases and stacks", snapshot.ours.why_unknown()),
        (
            "the kernel's range of ports",
            snapshot.settings.ephemeral.why_unknown(),
        ),
    ];
    for (what, why) in others {
        if let Some(why) = why {
            all.push(format!("{what}: {why}"));
        }
    }
    let unseen = snapshot.namespaces.items().iter().filter(|_| is_empty);
    for namespace in unseen {
        if let Seen::Unknown(why) = &namespace.listeners {
            let name = crate::others::namespace_name(case, namespace);
            all.push(format!("who listens in {name}: {why}"));
        }
    }
    if let Some(name) = case.asked_name() {
        match snapshot
            .names
            .resolution(name)
            .map(|resolution| &resolution.answer)
        {
            None => all.push(format!("what {name} resolves to: it was not resolved")),
            Some(Seen::Unknown(why)) => all.push(format!("what {name} resolves to: {why}")),
            Some(Seen::Known(_)) => {}
        }
    }
    if !case.listeners.is_empty()
        && let Seen::Unknown(why) = &snapshot.probes
    {
        all.push(format!("what is spoken there: {why}"));
    }
    let mut all: Vec<String> = all.iter().map(|unknown| words::clean(unknown)).collect();
    all.sort();
    all.dedup();
    all
}
