//! IPv4 and IPv6.

use std::net::IpAddr;

use wharf_facts::{Connect, Family, Meeting, ProcessFacts, Reason, Resolution, Seen};

use super::nothing::listeners_seen;
use super::{ALL, LINUX, Need, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, Target, program, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("only-ipv6"),
        number: 2,
        title: "It listens on IPv6 only",
        symptom: "it works on localhost and not on 127.0.0.1",
        platforms: ALL,
        needs: &[Need::Sockets],
        detect: only_ipv6,
    },
    Rule {
        id: id("only-ipv4"),
        number: 3,
        title: "It listens on IPv4 only, and localhost means IPv6 first",
        symptom: "it works on 127.0.0.1 and not on localhost",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Names],
        detect: only_ipv4,
    },
    Rule {
        id: id("slow-first-connect"),
        number: 4,
        title: "One family is dropped, not refused",
        symptom: "the first connection takes seconds, then all is well",
        platforms: ALL,
        needs: &[Need::Probe],
        detect: slow_first_connect,
    },
    Rule {
        id: id("ipv6-off"),
        number: 36,
        title: "IPv6 is switched off",
        symptom: "cannot assign requested address (EADDRNOTAVAIL) for ::1",
        platforms: LINUX,
        needs: &[Need::Settings, Need::Names],
        detect: ipv6_off,
    },
];

/// How the owner is told to listen at `address`.
fn listen_at(case: &Case<'_>, draft: Draft, address: &str) -> Draft {
    let owner = case.listening().into_iter().next();
    let flag = owner
        .and_then(program::of)
        .and_then(|known| known.host_flag)
        .map(|flag| flag.replace("{}", address));
    let what = format!("Let the server listen on {address}, or on both families.");
    match owner.zip(flag) {
        Some((owner, flag)) => draft.run(what, with_flag(owner, &flag)),
        None => draft.fix(what),
    }
}

/// The command that started `owner`, with `flag` at its end.
fn with_flag(owner: &ProcessFacts, flag: &str) -> String {
    if let Seen::Known(Reason::PackageScript { tool, script, .. }) = &owner.reason {
        let command = words::command_of(tool, script.as_deref());
        // npm keeps flags to itself, unless told otherwise; the others pass them on.
        let between = if tool == "npm" { " -- " } else { " " };
        return format!("{command}{between}{flag}");
    }
    format!("{} {flag}", owner.command.items().join(" "))
}

fn only_ipv6(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let is_v6_only =
        matches!(case.meets_v4(), Meeting::Nobody) && matches!(case.meets_v6(), Meeting::Listeners(_));
    if !is_v6_only || case.is_binding() {
        return None;
    }
    let asked = case.asked_address();
    if asked.is_some_and(|address| Family::of(address) == Family::V6) {
        return None;
    }
    let names = &case.snapshot.names;
    let name = case.asked_name();
    let resolution = name.and_then(|name| names.resolution(name));
    let misses = resolution.is_some_and(|resolution| {
        !resolution.addresses().is_empty() && resolution.of(Family::V6).next().is_none()
    });
    let is_sure = asked.is_some() || misses;
    let draft = if is_sure {
        Draft::problem(
            case.subject(),
            format!(
                "{} listens on IPv6 only, so IPv4 is refused at port {port}.",
                case.whos()
            ),
        )
        .likely(92)
    } else {
        let localhost = names.resolution("localhost").map(Resolution::addresses);
        let refused = match localhost {
            Some([]) | None => "127.0.0.1 is refused",
            Some(addresses) if addresses.iter().any(|address| Family::of(*address) == Family::V6) => {
                "localhost works, 127.0.0.1 is refused"
            }
            Some(_) => "127.0.0.1 is refused, and localhost is nothing else here",
        };
        Draft::warning(
            case.subject(),
            format!("{} listens on IPv6 only: {refused}.", case.whos()),
        )
        .likely(68)
    };
    let mut draft = draft.seen(Method::Sockets, listeners_seen(case));
    if let Some(resolution) = resolution.filter(|_| misses) {
        draft = draft.seen(
            Method::Resolver,
            format!("{} is {}", resolution.name, words::join(resolution.addresses())),
        );
    }
    let draft = listen_at(case, draft, "127.0.0.1");
    Some(draft.fix(format!("Or connect to [::1]:{port}.")))
}

fn only_ipv4(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let is_v4_only =
        matches!(case.meets_v4(), Meeting::Listeners(_)) && matches!(case.meets_v6(), Meeting::Nobody);
    if !is_v4_only || case.is_binding() {
        return None;
    }
    let asked = case.asked_address();
    let is_v6_asked = asked.is_some_and(|address| Family::of(address) == Family::V6 && address.is_loopback());
    let name = case.asked_name().filter(|_| asked.is_none());
    let resolution = name.and_then(|name| case.snapshot.names.resolution(name));
    let leads_to = |family| resolution.and_then(|resolution| resolution.of(family).find(IpAddr::is_loopback));
    let first = resolution.and_then(|resolution| resolution.addresses().first());
    let is_v6_first =
        first.is_some_and(|address| Family::of(*address) == Family::V6 && address.is_loopback());
    let is_v6_alone = is_v6_first && leads_to(Family::V4).is_none();
    if !is_v6_asked && !is_v6_first {
        return None;
    }
    let whos = case.whos();
    let draft = if is_v6_asked || is_v6_alone {
        Draft::problem(
            case.subject(),
            format!("{whos} listens on IPv4 only, so [::1]:{port} is refused."),
        )
        .likely(92)
    } else if case.is_connecting() {
        Draft::problem(
            case.subject(),
            format!(
                "{whos} listens on IPv4 only, and the client took only the first address of the name, [::1]."
            ),
        )
        .likely(88)
    } else {
        Draft::note(
            case.subject(),
            format!("{whos} listens on IPv4 only, and the name means [::1] first: clients that do not try on are refused."),
        )
        .likely(48)
    };
    let mut draft = draft.seen(Method::Sockets, listeners_seen(case));
    if let Some(resolution) = resolution {
        draft = draft.seen(
            Method::Resolver,
            format!("{} is {}", resolution.name, words::join(resolution.addresses())),
        );
    }
    let draft = draft.fix(format!("Connect to 127.0.0.1:{port}."));
    Some(listen_at(case, draft, "::1"))
}

fn slow_first_connect(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let is_local = |address: IpAddr| case.is_here(address) == Some(true);
    let mut dropped = case
        .probes
        .iter()
        .filter(|probe| is_local(probe.address.ip()) && matches!(probe.connect, Connect::TimedOut(_)));
    let accepted = case
        .probes
        .iter()
        .filter(|probe| probe.connect == Connect::Accepted)
        .collect::<Vec<_>>();
    let (slow, fast) = dropped.find_map(|slow| {
        let family = Family::of(slow.address.ip());
        let fast = accepted
            .iter()
            .find(|fast| Family::of(fast.address.ip()) != family)?;
        Some((slow, *fast))
    })?;
    let dropped = slow.address.ip();
    Some(
        Draft::problem(
            case.subject(),
            format!("Packets to {dropped} vanish where they should be refused, so clients wait before they try {}.", fast.address.ip()),
        )
        .likely(90)
        .seen(Method::Probe, format!("{} gave no answer, {} accepted", slow.address, fast.address))
        .fix(format!("Connect to {}, port {port}, by its address.", fast.address.ip()))
        .run(
            "See which rule of the packet filter drops them; let it reject instead.",
            if dropped.is_ipv6() { "sudo ip6tables -S; sudo nft list ruleset" } else { "sudo iptables -S; sudo nft list ruleset" },
        ),
    )
}

fn ipv6_off(case: &Case<'_>) -> Option<Draft> {
    let settings = &case.snapshot.settings;
    let off = settings.ipv6_disabled_on.known();
    let off_on = off.and_then(|off| off.iter().find(|name| *name == "all" || *name == "lo"));
    let without = settings.ipv6 == Seen::Known(false);
    if !without && off_on.is_none() {
        return None;
    }
    let names = &case.snapshot.names;
    let leads_there = names
        .resolution("localhost")
        .is_some_and(|resolution| resolution.of(Family::V6).next().is_some());
    let asked = case.asked_address();
    let asks_v6 = asked.is_some_and(|address| Family::of(address) == Family::V6);
    let is_machine = case.target.is_none();
    let by_name = matches!(case.target, Some(Target::Host { .. } | Target::Url(_))) && leads_there;
    let failed = matches!(
        case.failure(),
        Some(Failure::AddressNotAvailable | Failure::Unreachable)
    );
    if !asks_v6 && !((is_machine || by_name) && leads_there) {
        return None;
    }
    let how = match off_on {
        Some(name) if !without => format!("net.ipv6.conf.{name}.disable_ipv6 is 1"),
        _ => "the kernel has no IPv6".to_owned(),
    };
    let mut draft = if asks_v6 {
        Draft::problem(
            case.subject(),
            "IPv6 is switched off on loopback, so ::1 does not exist.",
        )
        .likely(if failed { 97 } else { 93 })
    } else {
        Draft::warning(
            "localhost",
            "IPv6 is switched off on loopback, and localhost leads to ::1 all the same.",
        )
        .likely(55)
    }
    .seen(Method::Settings, how);
    if leads_there {
        draft = draft
            .seen(Method::Resolver, "localhost resolves to ::1")
            .fix("Take ::1 out of the line of localhost in /etc/hosts.");
    }
    let draft = draft.fix("Use 127.0.0.1.");
    Some(match off_on {
        Some(name) if !without => draft.run(
            "Or switch IPv6 on.",
            format!("sudo sysctl -w net.ipv6.conf.{name}.disable_ipv6=0"),
        ),
        _ => draft,
    })
}
