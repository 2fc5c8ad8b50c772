//! The health of a machine's loopback.

use wharf_facts::{Answer, Family, Seen, Snapshot, TcpState};

use crate::case::Case;
use crate::{CheckOutcome, Checkup, Rule, rules, words};

/// A check: rules that may find something, and what is said when none does.
struct Check {
    id: &'static str,
    title: &'static str,
    rules: &'static [&'static str],
    /// What is seen, in words; unknown where the rules could not tell either.
    look: fn(&Case<'_>) -> Seen<String>,
}

const CHECKS: &[Check] = &[
    Check {
        id: "loopback",
        title: "the loopback interface",
        rules: &["loopback-down"],
        look: loopback,
    },
    Check {
        id: "families",
        title: "IPv4 and IPv6 on loopback",
        rules: &["ipv6-off"],
        look: families,
    },
    Check {
        id: "localhost",
        title: "what localhost resolves to",
        rules: &[
            "localhost-overridden",
            "localhost-needs-network",
            "slow-name-lookup",
        ],
        look: localhost,
    },
    Check {
        id: "localhost-names",
        title: "names below localhost",
        rules: &[],
        look: localhost_names,
    },
    Check {
        id: "hostname",
        title: "the machine's own name",
        rules: &["hostname-unresolved"],
        look: hostname,
    },
    Check {
        id: "proxies",
        title: "proxies of the environment",
        rules: &["dead-proxy", "proxy-captures-localhost"],
        look: proxies,
    },
    Check {
        id: "ephemeral-range",
        title: "the ports that the kernel gives out by itself",
        rules: &["ephemeral-range-covers-servers"],
        look: ephemeral_range,
    },
    Check {
        id: "ephemeral-use",
        title: "how many of these are used up",
        rules: &[
            "ephemeral-exhausted",
            "bind-before-connect",
            "wsl-connection-limit",
        ],
        look: ephemeral_use,
    },
    Check {
        id: "reserved-ports",
        title: "ports reserved from that",
        rules: &[],
        look: reserved,
    },
    Check {
        id: "time-wait",
        title: "connections in TIME_WAIT",
        rules: &[],
        look: time_wait,
    },
    Check {
        id: "close-wait",
        title: "connections that programs forgot to close",
        rules: &["close-wait-pile"],
        look: close_wait,
    },
    Check {
        id: "self-connect",
        title: "connections of a program to itself",
        rules: &["self-connect"],
        look: self_connect,
    },
    Check {
        id: "listeners",
        title: "listeners that accept what comes",
        rules: &["not-accepting"],
        look: listeners,
    },
    Check {
        id: "low-ports",
        title: "the right to take ports below 1024",
        rules: &[],
        look: low_ports,
    },
    Check {
        id: "files",
        title: "open files",
        rules: &["too-many-open-files"],
        look: files,
    },
    Check {
        id: "watches",
        title: "watches of files (inotify)",
        rules: &["inotify-limit"],
        look: watches,
    },
    Check {
        id: "hsts",
        title: "servers that force browsers to https",
        rules: &["hsts"],
        look: hsts,
    },
];

/// What doctor says of the machine of `snapshot`: a row for each check that finds nothing, and for
/// each finding.
#[must_use]
pub fn doctor(snapshot: &Snapshot) -> Vec<Checkup> {
    let case = Case::machine(snapshot);
    CHECKS.iter().flat_map(|check| check.rows(&case)).collect()
}

impl Check {
    fn rows(&self, case: &Case<'_>) -> Vec<Checkup> {
        let row = |outcome| Checkup {
            check: self.id.to_owned(),
            title: self.title.to_owned(),
            outcome,
        };
        let own = |rule: &&Rule| self.rules.contains(&rule.id.as_str());
        let mut rows: Vec<Checkup> = rules()
            .iter()
            .filter(own)
            .filter_map(|rule| rule.look(case))
            .map(|finding| row(CheckOutcome::Finding(finding)))
            .collect();
        if rows.is_empty() {
            rows.push(row(match (self.look)(case) {
                Seen::Known(said) => CheckOutcome::Ok {
                    said: words::clean(&said),
                },
                Seen::Unknown(why) => CheckOutcome::Unknown {
                    why: words::clean(&why),
                },
            }));
        }
        rows
    }
}

/// The ids of the rules that doctor looks by, each of which there must be.
#[cfg(test)]
fn used() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().flat_map(|check| check.rules.iter().copied())
}

fn loopback(case: &Case<'_>) -> Seen<String> {
    case.snapshot.interfaces.as_ref().map(|interfaces| {
        let own = interfaces
            .iter()
            .filter(|interface| interface.loopback == Seen::Known(true));
        let each = own.map(|interface| {
            let mut addresses: Vec<_> = interface.addresses.iter().map(|own| own.address).collect();
            addresses.sort_unstable();
            format!("{} is up, with {}", interface.name, words::join(addresses))
        });
        each.collect::<Vec<_>>().join("; ")
    })
}

fn families(case: &Case<'_>) -> Seen<String> {
    let settings = &case.snapshot.settings;
    settings.ipv6.as_ref().map(|&on| {
        let off = settings.ipv6_disabled_on.items();
        let is_off = |name: &str| off.iter().any(|each| each == name);
        if !on || is_off("lo") || is_off("all") {
            "IPv4 only: IPv6 is off, and localhost does not lead there".to_owned()
        } else {
            "both are on".to_owned()
        }
    })
}

fn localhost(case: &Case<'_>) -> Seen<String> {
    let names = &case.snapshot.names;
    let Some(resolution) = names.resolution("localhost") else {
        return Seen::unknown("localhost was not resolved");
    };
    resolution.answer.as_ref().map(|answer| match answer {
        Answer::Addresses(addresses) => {
            let first = addresses.first().map(|&address| Family::of(address));
            let order = match first {
                Some(Family::V6) if addresses.len() > 1 => ", IPv6 first",
                _ => "",
            };
            format!("localhost is {}{order}", words::join(addresses))
        }
        Answer::Failed(why) => format!("localhost does not resolve: {why}"),
    })
}

fn localhost_names(case: &Case<'_>) -> Seen<String> {
    let all = case.snapshot.names.resolutions.iter();
    let below = all.filter(|resolution| resolution.name.ends_with(".localhost"));
    let Some(resolution) = below.min_by_key(|resolution| &resolution.name) else {
        return Seen::unknown("no name below localhost was resolved");
    };
    resolution.answer.as_ref().map(|answer| match answer {
        Answer::Addresses(addresses) => format!("*.localhost is {}", words::join(addresses)),
        Answer::Failed(_) => {
            "*.localhost resolves in browsers, which do it by themselves, and not in other programs"
                .to_owned()
        }
    })
}

fn hostname(case: &Case<'_>) -> Seen<String> {
    let snapshot = case.snapshot;
    let name = match &snapshot.system.hostname {
        Seen::Known(name) => name,
        Seen::Unknown(why) => return Seen::unknown(why),
    };
    let Some(resolution) = snapshot.names.resolution(name) else {
        return Seen::unknown(format_args!("{name} was not resolved"));
    };
    resolution.answer.as_ref().map(|answer| match answer {
        Answer::Addresses(addresses) => format!("{name} is {}", words::join(addresses)),
        Answer::Failed(why) => format!("{name} does not resolve: {why}"),
    })
}

fn proxies(case: &Case<'_>) -> Seen<String> {
    case.snapshot.proxies.as_ref().map(|proxies| {
        if proxies.http.is_none() && proxies.https.is_none() && proxies.all.is_none() {
            return "none".to_owned();
        }
        format!("{}; localhost is excepted", words::join(&proxies.variables))
    })
}

fn ephemeral_range(case: &Case<'_>) -> Seen<String> {
    let range = case.snapshot.settings.ephemeral.as_ref();
    range.map(|range| format!("{range}, {} ports", range.count()))
}

fn ephemeral_use(case: &Case<'_>) -> Seen<String> {
    let tcp = match &case.snapshot.tcp {
        Seen::Known(_) => &case.connections,
        Seen::Unknown(why) => return Seen::unknown(why),
    };
    case.snapshot.settings.ephemeral.as_ref().map(|range| {
        let mut ports: Vec<u16> = tcp
            .iter()
            .map(|row| row.port())
            .filter(|&port| range.contains(port))
            .collect();
        ports.sort_unstable();
        ports.dedup();
        format!("{} of {} have a connection", ports.len(), range.count())
    })
}

fn reserved(case: &Case<'_>) -> Seen<String> {
    let reserved = case.snapshot.settings.reserved.as_ref();
    reserved.map(|reserved| match reserved.as_slice() {
        [] => "none".to_owned(),
        some => words::join(some),
    })
}

/// How many connections are in `state`.
fn in_state(case: &Case<'_>, state: TcpState) -> Seen<String> {
    case.snapshot.tcp.as_ref().map(|_| {
        let rows = case.connections.iter();
        let found = rows.filter(|row| row.socket.state == state).count();
        words::count(found, "connection")
    })
}

fn time_wait(case: &Case<'_>) -> Seen<String> {
    in_state(case, TcpState::TimeWait)
}

fn close_wait(case: &Case<'_>) -> Seen<String> {
    in_state(case, TcpState::CloseWait)
}

fn self_connect(case: &Case<'_>) -> Seen<String> {
    case.snapshot.tcp.as_ref().map(|_| "none".to_owned())
}

fn listeners(case: &Case<'_>) -> Seen<String> {
    let known = case.snapshot.tcp.as_ref();
    known.map(|_| {
        let waiting: u32 = case
            .listeners
            .iter()
            .map(|row| row.socket.receive_queue)
            .fold(0, u32::saturating_add);
        let counters = case.snapshot.counters.known();
        let overflows = counters.and_then(|counters| counters.listen_overflows);
        let since = overflows.map_or_else(String::new, |overflows| {
            format!("; {overflows} overflows since the machine started")
        });
        format!(
            "{}, {waiting} connections waiting{since}",
            words::count(case.listeners.len(), "listener")
        )
    })
}

fn low_ports(case: &Case<'_>) -> Seen<String> {
    let viewer = &case.snapshot.viewer;
    let start = case.snapshot.settings.unprivileged_start.as_ref();
    start.map(|&start| {
        let is_able = viewer.uid == Seen::Known(0)
            || viewer
                .capabilities
                .items()
                .iter()
                .any(|own| own == "net_bind_service");
        match (start, is_able) {
            (0, _) => "anybody may take any port".to_owned(),
            (_, true) => "you may take any port".to_owned(),
            (_, false) => format!("ports from {start} are for anybody, those below for root"),
        }
    })
}

fn files(case: &Case<'_>) -> Seen<String> {
    let limits = &case.snapshot.limits;
    limits.descriptors.as_ref().map(|own| {
        let system = limits.files.known();
        let system = system.map_or_else(String::new, |files| {
            format!("; {} of {} in the whole system", files.used, files.limit)
        });
        format!("{own} for each process of yours{system}")
    })
}

fn watches(case: &Case<'_>) -> Seen<String> {
    let limits = &case.snapshot.limits;
    limits.inotify_watches.as_ref().map(|watches| {
        let instances = limits.inotify_instances.known();
        let instances = instances.map_or_else(String::new, |instances| format!(", in {instances} instances"));
        format!("{watches} for each user{instances}")
    })
}

fn hsts(case: &Case<'_>) -> Seen<String> {
    case.snapshot.probes.as_ref().map(|probes| {
        let asked = probes.iter().filter(|probe| probe.http.is_some()).count();
        format!("none of the {} that were asked", words::count(asked, "server"))
    })
}

/// The health of `snapshot` is never claimed where it was not looked at.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_that_a_check_names_is_there() {
        for id in used() {
            assert!(crate::RuleId::find(id).is_some(), "{id}");
        }
    }

    #[test]
    fn what_was_not_looked_at_is_unknown() {
        for row in doctor(&Snapshot::default()) {
            assert!(matches!(row.outcome, CheckOutcome::Unknown { .. }), "{row:?}");
        }
    }
}
