//! Who can reach it.

use std::net::IpAddr;

use wharf_facts::{Exposure, ProcessFacts, Reception, Seen, SocketFacts};

use super::{ALL, Need, id};
use crate::case::{Case, is_work};
use crate::draft::Draft;
use crate::{Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("reachable-from-lan"),
        number: 58,
        title: "Others on the network can reach it",
        symptom: "my colleague can open my development server",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Processes, Need::Interfaces],
        detect: reachable_from_lan,
    },
    Rule {
        id: id("readable-by-any-site"),
        number: 59,
        title: "Any website can read it through the browser",
        symptom: "a page of another site can talk to my local server",
        platforms: ALL,
        needs: &[Need::Probe],
        detect: readable_by_any_site,
    },
    Rule {
        id: id("debugger-exposed"),
        number: 69,
        title: "A port that runs any code is open to the network",
        symptom: "the debugger or the Docker API listens on all addresses",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Processes],
        detect: debugger_exposed,
    },
];

/// A listener that others can reach, and an address of this machine at which they do. Where the
/// interfaces were not seen, an address beyond loopback is taken to be there.
fn exposed<'a>(case: &Case<'a>) -> Option<(&'a SocketFacts, Option<IpAddr>)> {
    let row = case
        .listeners
        .iter()
        .copied()
        .find(|row| !Exposure::of(row.socket.local.ip()).is_local())?;
    let Some(interfaces) = case.snapshot.interfaces.known() else {
        return Some((row, None));
    };
    let bound = row.socket.local.ip();
    let mut reached: Vec<IpAddr> = interfaces
        .iter()
        .filter(|interface| interface.up != Seen::Known(false) && interface.loopback != Seen::Known(true))
        .flat_map(|interface| interface.addresses.iter().map(|own| own.address))
        .filter(|address| Exposure::of(*address) >= Exposure::Private)
        .filter(|address| {
            row.socket.covers(std::net::SocketAddr::new(*address, row.port())) || bound == *address
        })
        .collect();
    reached.sort_unstable();
    let first = reached.first().copied()?;
    Some((row, Some(first)))
}

fn reached_at(row: &SocketFacts, address: Option<IpAddr>) -> String {
    match address {
        Some(address) => format!("this machine is {address} to others, where the firewall lets them in"),
        None => format!("{} is beyond loopback", row.socket.local),
    }
}

fn reachable_from_lan(case: &Case<'_>) -> Option<Draft> {
    if case.is_binding() {
        return None;
    }
    let port = case.port?;
    let everywhere =
        |address: &Option<IpAddr>| address.is_none_or(|address| !Exposure::of(address).is_local());
    if let Some((container, _)) = case.published() {
        let published = container
            .published_at(port)
            .find(|each| everywhere(&each.address))?;
        let name = Case::container_name(container);
        return Some(
            Draft::note(
                case.subject(),
                format!(
                    "The container {name} is published on every address, past the rules of ufw and firewalld."
                ),
            )
            .likely(32)
            .seen(
                Method::Engine,
                format!(
                    "{name} publishes port {port} on {}",
                    published
                        .address
                        .map_or("all addresses".to_owned(), |address| address.to_string())
                ),
            )
            .fix(format!(
                "Publish it to this machine alone: `-p 127.0.0.1:{port}:{}`.",
                published.inside
            )),
        );
    }
    let (row, address) = exposed(case)?;
    let owner = case.owners(row).into_iter().find(|owner| is_work(owner))?;
    Some(
        Draft::warning(
            case.subject(),
            format!(
                "{} can be reached from the network, and not from this machine alone.",
                words::process(owner)
            ),
        )
        .likely(44)
        .seen(Method::Sockets, format!("it listens on {}", row.socket.local))
        .seen(Method::Interfaces, reached_at(row, address))
        .fix("If nobody else is meant to, let it listen on 127.0.0.1: `--host 127.0.0.1`, HOST=127.0.0.1."),
    )
}

fn readable_by_any_site(case: &Case<'_>) -> Option<Draft> {
    let accepted = |reception: &Seen<Reception>| *reception == Seen::Known(Reception::Accepted);
    let (probe, http) = case.probes.iter().find_map(|probe| {
        Some((
            *probe,
            probe.http.as_ref().filter(|http| {
                accepted(&http.foreign_host)
                    || accepted(&http.foreign_origin)
                    || accepted(&http.foreign_websocket)
            })?,
        ))
    })?;
    let owner = case.listening().into_iter().find(|owner| is_work(owner))?;
    let is_socket = accepted(&http.foreign_websocket);
    let mut ways = Vec::new();
    if is_socket {
        ways.push("a WebSocket from another origin");
    }
    if accepted(&http.foreign_origin) {
        ways.push("a request from another origin");
    }
    if accepted(&http.foreign_host) {
        ways.push("a Host that is none of its own");
    }
    Some(
        Draft::warning(
            case.subject(),
            format!("{} answers pages of other sites: any website that you visit can read it.", words::process(owner)),
        )
        .likely(if is_socket { 57 } else { 41 })
        .seen(Method::Probe, format!("{} took {}", probe.address, words::join(ways)))
        .fix("Let it check Host, and Origin at WebSockets: newer versions of Vite, webpack-dev-server and Next.js do.")
        .fix("Or put it behind the door, which does: http://web.shop.localhost:62893."),
    )
}

/// What runs any code that it is sent, by what is spoken.
const POWERFUL: &[(&str, &str)] = &[
    ("jdwp", "The Java debugger"),
    ("inspector", "Node's inspector"),
    ("devtools", "Chrome's DevTools"),
    ("dap", "The debugger"),
    ("gdb", "GDB's server"),
    ("docker", "Docker's API"),
];

/// The debugger that a command line opens at `port`. An argument counts for the port that it names: other
/// ports of the same process are its own business.
fn by_command(owner: &ProcessFacts, port: u16) -> Option<&'static str> {
    let words = owner.command.items();
    let names = |text: &str| {
        let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
        numbers.any(|number| number.parse() == Ok(port))
    };
    words.iter().enumerate().find_map(|(at, word)| {
        if word.starts_with("-agentlib:jdwp") || word.starts_with("-Xrunjdwp") {
            // Without `server=y` it is the one that connects.
            return (word.contains("server=y") && names(word)).then_some("The Java debugger");
        }
        if word.starts_with("--inspect") {
            // 9229 is Node's where none is named.
            return (names(word) || port == 9229).then_some("Node's inspector");
        }
        let is_debugpy = word == "--listen" && words[..at].iter().any(|before| before.contains("debugpy"));
        (is_debugpy && words.get(at + 1).is_some_and(|place| names(place))).then_some("debugpy")
    })
}

fn debugger_exposed(case: &Case<'_>) -> Option<Draft> {
    let (row, address) = exposed(case)?;
    let spoken = case.spoken();
    let by_probe = POWERFUL
        .iter()
        .find(|(word, _)| spoken == Some(word))
        .map(|(_, name)| *name);
    let by_command = || {
        let mut owners = case.owners(row).into_iter();
        owners.find_map(|owner| by_command(owner, row.port()))
    };
    // What answers in another protocol is no debugger, whatever its command line has.
    let name = by_probe.or_else(|| spoken.is_none().then(by_command).flatten())?;
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "{name} is open to the network at {}: whoever reaches it runs what they like as {}.",
                row.socket.local,
                words::user(case.snapshot, row.socket.uid)
            ),
        )
        .likely(83)
        .seen(Method::Sockets, format!("it listens on {}", row.socket.local))
        .seen(Method::Interfaces, reached_at(row, address))
        .fix("Let it listen on 127.0.0.1: `--inspect=127.0.0.1:9229`, `address=127.0.0.1:5005`."),
    )
}
