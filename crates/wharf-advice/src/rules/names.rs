//! Names.

use std::net::IpAddr;

use wharf_facts::{Answer, HostsLine, Seen};

use super::{ALL, LINUX, Need, UNIX, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("localhost-name-unresolved"),
        number: 17,
        title: "A name below localhost does not resolve",
        symptom: "the browser opens app.localhost, curl and my program do not",
        platforms: ALL,
        needs: &[Need::Names],
        detect: localhost_name_unresolved,
    },
    Rule {
        id: id("localhost-name-forced"),
        number: 18,
        title: "A name below localhost always means loopback",
        symptom: "my hosts file says another address for app.localhost, and nobody cares",
        platforms: ALL,
        needs: &[Need::Names],
        detect: localhost_name_forced,
    },
    Rule {
        id: id("localhost-overridden"),
        number: 19,
        title: "localhost is not this machine's loopback",
        symptom: "localhost leads elsewhere, or nowhere",
        platforms: ALL,
        needs: &[Need::Names],
        detect: localhost_overridden,
    },
    Rule {
        id: id("localhost-needs-network"),
        number: 20,
        title: "localhost is asked of a name server",
        symptom: "localhost works only while I am online",
        platforms: LINUX,
        needs: &[Need::Names],
        detect: localhost_needs_network,
    },
    Rule {
        id: id("stale-hosts-entry"),
        number: 60,
        title: "The hosts file sends the name to another machine",
        symptom: "the name of my own service leads to an address I have not used for months",
        platforms: ALL,
        needs: &[Need::Names, Need::Interfaces],
        detect: stale_hosts_entry,
    },
    Rule {
        id: id("hostname-unresolved"),
        number: 74,
        title: "The machine's own name does not resolve",
        symptom: "unable to resolve host; UnknownHostException; sudo and Java are slow",
        platforms: UNIX,
        needs: &[Need::Names],
        detect: hostname_unresolved,
    },
    Rule {
        id: id("slow-name-lookup"),
        number: 75,
        title: "The name takes seconds to resolve",
        symptom: "each connection by name takes five seconds, by address none",
        platforms: ALL,
        needs: &[Need::Names],
        detect: slow_name_lookup,
    },
];

/// The lines of the hosts file that name `name`, by number.
fn lines<'a>(case: &Case<'a>, name: &str) -> Vec<&'a HostsLine> {
    let names = |line: &&HostsLine| line.names.iter().any(|own| own.eq_ignore_ascii_case(name));
    let mut lines: Vec<&HostsLine> = case.snapshot.names.hosts.items().iter().filter(names).collect();
    lines.sort_by_key(|line| (line.line, line.address));
    lines
}

fn said(line: &HostsLine) -> String {
    format!(
        "line {} of the hosts file: {} {}",
        line.line,
        line.address,
        line.names.join(" ")
    )
}

fn localhost_name_unresolved(case: &Case<'_>) -> Option<Draft> {
    let name = case.asked_name().filter(|name| name.ends_with(".localhost"))?;
    let resolution = case.snapshot.names.resolution(name)?;
    let Seen::Known(Answer::Failed(why)) = &resolution.answer else {
        return None;
    };
    let sources = case.snapshot.names.nsswitch.items();
    let mut draft = Draft::problem(
        name,
        format!("{name} does not resolve here but in browsers, which take names below localhost for loopback by themselves."),
    )
    .likely(94)
    .seen(Method::Resolver, format!("getaddrinfo says: {why}"));
    if !sources.is_empty() {
        draft = draft.seen(
            Method::NameFiles,
            format!("nsswitch.conf asks {}", sources.join(" ")),
        );
    }
    let port = case.port.unwrap_or(80);
    Some(
        draft
            .run(
                "Name it in the hosts file.",
                format!("echo '127.0.0.1 {name}' | sudo tee -a /etc/hosts"),
            )
            .run(
                "Or teach all of them (Debian, Ubuntu).",
                "sudo apt install libnss-myhostname",
            )
            .run(
                "Or go by the address, and say the name.",
                format!("curl --resolve {name}:{port}:127.0.0.1 http://{name}:{port}/"),
            ),
    )
}

fn localhost_name_forced(case: &Case<'_>) -> Option<Draft> {
    let name = case.asked_name().filter(|name| name.ends_with(".localhost"))?;
    let lines = lines(case, name);
    let line = lines.first()?;
    let resolution = case.snapshot.names.resolution(name)?;
    let addresses = resolution.addresses();
    // Browsers and curl never ask the hosts file for such a name (RFC 6761, section 6.3), even where
    // the system does.
    let plain = line.address == IpAddr::from([127, 0, 0, 1])
        || line.address == IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]);
    if plain || addresses.is_empty() {
        return None;
    }
    let ignored = !addresses.contains(&line.address);
    let who = if ignored {
        "this system takes it for loopback"
    } else {
        "browsers and curl take it for 127.0.0.1"
    };
    Some(
        Draft::problem(
            name,
            format!(
                "The hosts file says {} for {name}, and {who}, as every name below localhost.",
                line.address
            ),
        )
        .likely(if ignored { 92 } else { 70 })
        .seen(Method::NameFiles, said(line))
        .seen(Method::Resolver, format!("{name} is {}", words::join(addresses)))
        .seen(
            Method::Standard,
            "RFC 6761, section 6.3: names below localhost are loopback",
        )
        .fix("Use a name that is not below localhost, such as one below .test."),
    )
}

fn localhost_overridden(case: &Case<'_>) -> Option<Draft> {
    // Asked by another name or by an address, it does not matter.
    let matters = match (case.target, case.asked_name()) {
        (None, _) => true,
        (Some(_), Some(name)) => name == "localhost",
        (Some(_), None) => case.asked_address().is_none(),
    };
    if !matters {
        return None;
    }
    let resolution = case.snapshot.names.resolution("localhost")?;
    let answer = resolution.answer.known()?;
    // macOS once had fe80::1%lo0 there.
    let is_fine = |address: &IpAddr| {
        address.is_loopback() || matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
    };
    let (says, fact) = match answer {
        Answer::Failed(why) => (
            "localhost does not resolve.".to_owned(),
            format!("getaddrinfo says: {why}"),
        ),
        Answer::Addresses(addresses) => {
            let stray = addresses.iter().find(|address| !is_fine(address))?;
            (
                format!("localhost leads to {stray}, which is not loopback."),
                format!("localhost is {}", words::join(addresses)),
            )
        }
    };
    let mut draft = Draft::problem("localhost", says)
        .likely(90)
        .seen(Method::Resolver, fact);
    let lines = lines(case, "localhost");
    let stray = lines.iter().find(|line| !is_fine(&line.address));
    if let Some(line) = stray {
        return Some(draft.seen(Method::NameFiles, said(line)).fix(format!(
            "Take localhost out of line {} of the hosts file.",
            line.line
        )));
    }
    if lines.is_empty() && case.snapshot.names.hosts.is_known() {
        draft = draft.seen(Method::NameFiles, "no line of the hosts file names localhost");
    }
    Some(draft.run(
        "Give it its line in the hosts file.",
        "printf '127.0.0.1 localhost\\n::1 localhost\\n' | sudo tee -a /etc/hosts",
    ))
}

fn localhost_needs_network(case: &Case<'_>) -> Option<Draft> {
    let names = &case.snapshot.names;
    let is_asked = case.target.is_none() || case.asked_name() == Some("localhost");
    let sources = names.nsswitch.known()?;
    let has = |source: &str| sources.iter().any(|own| own == source);
    let by_itself = has("myhostname") || has("resolve");
    // systemd-resolved answers for localhost by itself, and dnsmasq is seldom set up otherwise.
    let by_local_server = names
        .nameservers
        .known()?
        .iter()
        .all(|server| server.starts_with("127."));
    let in_hosts = !lines(case, "localhost").is_empty() || !names.hosts.is_known();
    if !is_asked || by_itself || by_local_server || in_hosts || !has("dns") {
        return None;
    }
    let servers = words::join(names.nameservers.items());
    Some(
        Draft::warning(
            "localhost",
            format!(
                "The hosts file does not name localhost, so {servers} is asked for it: offline it fails."
            ),
        )
        .likely(if case.failure() == Some(Failure::NameUnknown) {
            92
        } else {
            55
        })
        .seen(Method::NameFiles, "no line of the hosts file names localhost")
        .seen(
            Method::NameFiles,
            format!("nsswitch.conf asks {}", sources.join(" ")),
        )
        .run(
            "Give it its line in the hosts file.",
            "printf '127.0.0.1 localhost\\n::1 localhost\\n' | sudo tee -a /etc/hosts",
        ),
    )
}

/// Endings that people give to names of their own machines.
const OWN_ENDINGS: &[&str] = &[
    ".test",
    ".local",
    ".lan",
    ".dev",
    ".internal",
    ".example",
    ".invalid",
    ".loc",
    ".home.arpa",
];

fn stale_hosts_entry(case: &Case<'_>) -> Option<Draft> {
    let name = case
        .asked_name()
        .filter(|name| *name != "localhost" && !name.ends_with(".localhost"))?;
    let lines = lines(case, name);
    let line = lines.first()?;
    let is_own_name = OWN_ENDINGS.iter().any(|ending| name.ends_with(ending));
    let fails = matches!(
        case.failure(),
        Some(Failure::TimedOut | Failure::Unreachable | Failure::Refused)
    );
    if case.is_here(line.address) != Some(false) || !(is_own_name || fails) {
        return None;
    }
    Some(
        Draft::problem(
            name,
            format!(
                "Line {} of the hosts file sends {name} to {}, which is not this machine.",
                line.line, line.address
            ),
        )
        .likely(88)
        .seen(Method::NameFiles, said(line))
        .seen(
            Method::Interfaces,
            format!("no interface here has {}", line.address),
        )
        .fix(format!(
            "If {name} is to be here, write 127.0.0.1 in line {} of the hosts file, or take it out.",
            line.line
        )),
    )
}

fn hostname_unresolved(case: &Case<'_>) -> Option<Draft> {
    let name = case.snapshot.system.hostname.known()?;
    if case.target.is_some() && case.asked_name() != Some(name.as_str()) {
        return None;
    }
    let resolution = case.snapshot.names.resolution(name)?;
    let Seen::Known(Answer::Failed(why)) = &resolution.answer else {
        return None;
    };
    Some(
        Draft::warning(
            name,
            format!("The machine's own name {name} does not resolve: sudo and Java complain or wait, and servers that bind it fail."),
        )
        .seen(Method::Resolver, format!("getaddrinfo says: {why}"))
        .run("Name it in the hosts file.", format!("echo '127.0.1.1 {name}' | sudo tee -a /etc/hosts")),
    )
}

/// No name of this machine takes that long, in microseconds.
const SLOW: u64 = 1_000_000;

fn slow_name_lookup(case: &Case<'_>) -> Option<Draft> {
    let name = match case.target {
        None => "localhost",
        Some(_) => case.asked_name()?,
    };
    let resolution = case.snapshot.names.resolution(name)?;
    if resolution.took_us < SLOW || !resolution.answer.is_known() {
        return None;
    }
    let took = resolution.took_us / 100_000;
    let mut draft = Draft::warning(
        name,
        format!(
            "{name} takes {}.{} seconds to resolve, at each connection.",
            took / 10,
            took % 10
        ),
    )
    .likely(if case.failure() == Some(Failure::TimedOut) {
        82
    } else {
        60
    })
    .seen(
        Method::Resolver,
        format!("getaddrinfo took {} ms", resolution.took_us / 1000),
    );
    if name.ends_with(".local") {
        draft = draft.seen(
            Method::Standard,
            "RFC 6762: names below .local are asked by multicast, and waited for",
        );
        draft = draft.fix("Use a name that is not below .local, such as one below .localhost or .test.");
    }
    Some(draft.fix("Connect by address, or name it in the hosts file for both families."))
}
