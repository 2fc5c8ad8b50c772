//! What a connection from here would meet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_facts::{Answer, Connect, Meeting, Seen};

use crate::case::Case;
use crate::{Outcome, RouteStory, words};

/// What a connection to the case's port would meet: by the name that was asked, by `localhost`, and
/// by the loopback address of each family.
pub(crate) fn routes(case: &Case<'_>) -> Vec<RouteStory> {
    let Some(port) = case.port else {
        return Vec::new();
    };
    let mut stories = Vec::new();
    let asked = case.asked_name().filter(|name| *name != "localhost");
    for name in asked.into_iter().chain(["localhost"]) {
        by_name(case, name, port, &mut stories);
    }
    let literal = case.asked_address().filter(|address| !address.is_loopback());
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    for address in literal.into_iter().chain(loopback) {
        stories.push(story(case, address.to_string(), SocketAddr::new(address, port)));
    }
    stories
}

fn by_name(case: &Case<'_>, name: &str, port: u16, stories: &mut Vec<RouteStory>) {
    let without = |outcome, says: String| RouteStory {
        by: words::clean(name),
        address: None,
        outcome,
        says: words::clean(&says),
    };
    let Some(resolution) = case.snapshot.names.resolution(name) else {
        stories.push(without(Outcome::Unknown, "was not resolved".to_owned()));
        return;
    };
    match &resolution.answer {
        Seen::Unknown(why) => stories.push(without(Outcome::Unknown, why.clone())),
        Seen::Known(Answer::Failed(why)) => {
            stories.push(without(Outcome::Unresolved, format!("does not resolve: {why}")));
        }
        Seen::Known(Answer::Addresses(addresses)) => {
            for &address in addresses {
                stories.push(story(case, words::clean(name), SocketAddr::new(address, port)));
            }
        }
    }
}

fn story(case: &Case<'_>, by: String, address: SocketAddr) -> RouteStory {
    let (outcome, says) = outcome(case, address);
    RouteStory {
        by,
        address: Some(address),
        outcome,
        says,
    }
}

/// What happens at `address`: what a probe met, else what the table of sockets promises.
fn outcome(case: &Case<'_>, address: SocketAddr) -> (Outcome, String) {
    let probe = case.probes.iter().find(|probe| probe.address == address);
    let met = case.meets(address.ip());
    match probe.map(|probe| &probe.connect) {
        Some(Connect::TimedOut(after)) => {
            return (Outcome::Hangs, format!("no answer within {after} ms"));
        }
        Some(Connect::Refused) => return (Outcome::Refused, "refused".to_owned()),
        Some(Connect::Accepted) if matches!(met, Meeting::Nobody) => {
            return (
                Outcome::Accepted,
                "accepted, by somebody without a socket here".to_owned(),
            );
        }
        _ => {}
    }
    match case.is_here(address.ip()) {
        Some(true) => {}
        Some(false) => return (Outcome::Elsewhere, "leads to another machine".to_owned()),
        None => return (Outcome::Unknown, "the interfaces were not seen".to_owned()),
    }
    match met {
        Meeting::Unknown(why) => (Outcome::Unknown, words::clean(why)),
        Meeting::Listeners(rows) => {
            let mut whos: Vec<String> = rows.iter().map(|row| case.who(row)).collect();
            whos.dedup();
            (Outcome::Accepted, words::join(whos))
        }
        Meeting::Nobody => match case.published() {
            Some((container, inside)) => (
                Outcome::Accepted,
                format!(
                    "port {inside} of the container {}",
                    Case::container_name(container)
                ),
            ),
            None => (Outcome::Refused, "refused".to_owned()),
        },
    }
}
