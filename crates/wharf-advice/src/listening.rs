//! Who listens.

use wharf_facts::{Exposure, Family, Head, Holder, ProcessFacts, Protocol, Seen, Snapshot, SocketFacts};

use crate::case::Case;
use crate::{KnownBy, Listening, OwnerStory, Speaks, program, words};

/// Who listens at a case's port, by transport and address.
pub(crate) fn listeners(case: &Case<'_>) -> Vec<Listening> {
    let all = case.listeners.iter().chain(&case.udp);
    all.map(|row| listening(case, row)).collect()
}

fn listening(case: &Case<'_>, row: &SocketFacts) -> Listening {
    let socket = &row.socket;
    let is_tcp = socket.protocol == Protocol::Tcp;
    let owners = case.owners(row);
    Listening {
        protocol: socket.protocol,
        address: socket.local,
        families: families(row),
        exposure: Exposure::of(socket.local.ip()),
        v6only: socket.v6only,
        uid: socket.uid,
        user: words::user_name(case.snapshot, socket.uid).map(words::clean),
        owners_complete: matches!(row.owner, Holder::Pids(_)),
        unit: words::unit(row).map(words::clean),
        waiting: socket.receive_queue,
        backlog: if is_tcp { socket.send_queue } else { 0 },
        speaks: is_tcp.then(|| speaks(case, row, &owners)).flatten(),
        owners: owners.into_iter().map(story).collect(),
    }
}

/// The families that a socket takes.
pub(crate) fn families(row: &SocketFacts) -> Vec<Family> {
    let address = row.socket.local.ip();
    if address.is_unspecified() && address.is_ipv6() && row.socket.v6only != Some(true) {
        return vec![Family::V4, Family::V6];
    }
    vec![Family::of(address)]
}

/// What is spoken at a listener: as it answered, or as its program is known for.
fn speaks(case: &Case<'_>, row: &SocketFacts, owners: &[&ProcessFacts]) -> Option<Speaks> {
    let covered = case
        .probes
        .iter()
        .filter(|probe| row.socket.covers(probe.address));
    for probe in covered {
        if let Seen::Known(spoken) = &probe.protocol {
            let http = probe.http.as_ref();
            let product = http.and_then(|http| http.framework.as_ref().or(http.server.as_ref()));
            return Some(Speaks {
                protocol: words::clean(spoken.word()),
                known_by: KnownBy::Probe,
                product: product
                    .or(probe.banner.as_ref())
                    .map(|product| words::clean(product)),
                title: http.and_then(|http| http.title.as_deref()).map(words::clean),
            });
        }
    }
    let known = owners.iter().find_map(|owner| program::of(owner))?;
    Some(Speaks {
        protocol: known.protocol.to_owned(),
        known_by: KnownBy::Guess,
        product: Some(known.name.to_owned()),
        title: None,
    })
}

fn story(owner: &ProcessFacts) -> OwnerStory {
    let clean = |text: &String| words::clean(text);
    let checkout = owner.checkout.known().and_then(Option::as_ref);
    OwnerStory {
        pid: owner.pid,
        start_time: owner.start_time,
        name: words::clean(&owner.name),
        command: owner
            .command
            .known()
            .filter(|command| !command.is_empty())
            .map(|command| words::clean(&command.join(" "))),
        user: owner.user.known().map(clean),
        since: owner.started_at.known().copied(),
        cwd: owner.cwd.known().map(clean),
        checkout: checkout.map(|checkout| words::clean(&checkout.root)),
        branch: checkout.and_then(branch),
        worktree_of: checkout
            .and_then(|checkout| checkout.worktree_of.as_ref())
            .map(clean),
        state: words::state(owner.state).map(str::to_owned),
        reason: owner.reason.known().and_then(words::reason),
    }
}

/// The branch, or the commit, of a checkout.
pub(crate) fn branch(checkout: &wharf_facts::Checkout) -> Option<String> {
    Some(match checkout.head.known()? {
        Head::Branch(branch) => words::clean(branch),
        head @ Head::Detached(_) => words::head(head),
    })
}

/// Everyone who listens at the port, in one phrase: `node (pid 812) on 127.0.0.1 and [::1]`.
pub(crate) fn summary(snapshot: &Snapshot, rows: &[&SocketFacts]) -> String {
    let mut by_owner: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows {
        let who = words::owner(snapshot, row);
        let address = match row.socket.local.ip() {
            address if address.is_unspecified() && address.is_ipv4() => "all IPv4 addresses".to_owned(),
            address if address.is_unspecified() && row.socket.v6only == Some(true) => {
                "all IPv6 addresses".to_owned()
            }
            address if address.is_unspecified() => "all addresses".to_owned(),
            address => address.to_string(),
        };
        let address = match row.socket.protocol {
            Protocol::Tcp => address,
            Protocol::Udp => format!("{address} (UDP)"),
        };
        match by_owner.iter_mut().find(|(known, _)| *known == who) {
            Some((_, addresses)) if addresses.contains(&address) => {}
            Some((_, addresses)) => addresses.push(address),
            None => by_owner.push((who, vec![address])),
        }
    }
    let each = by_owner
        .into_iter()
        .map(|(who, addresses)| format!("{who} on {}", words::join(addresses)));
    each.collect::<Vec<_>>().join("; ")
}
