//! What Wharf itself knows.

use wharf_facts::{OurLease, Seen};

use super::nothing::{is_wharf, quoted};
use super::{ALL, Need, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, port_facts, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("link-conditions"),
        number: 65,
        title: "A link of Wharf's is cut or slowed",
        symptom: "a service of my stack hangs or is slow, on purpose that I forgot",
        platforms: ALL,
        needs: &[Need::Ours],
        detect: link_conditions,
    },
    Rule {
        id: id("foreign-on-lease"),
        number: 66,
        title: "Somebody else listens on a port that Wharf gave out",
        symptom: "my service's port is taken by a program that has nothing to do with it",
        platforms: ALL,
        needs: &[Need::Ours, Need::Sockets, Need::Processes],
        detect: foreign_on_lease,
    },
];

fn link_conditions(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let ours = case.snapshot.ours.known()?;
    let mut found: Vec<_> = ours
        .stacks
        .iter()
        .flat_map(|stack| stack.links.iter().map(move |link| (stack, link)))
        .filter(|(_, link)| link.address.is_some_and(|address| address.port() == port))
        .filter(|(_, link)| !link.outage.is_empty() || !link.conditions.is_empty())
        .collect();
    found.sort_by_key(|(stack, link)| (&stack.name, &link.name));
    let (stack, link) = found.first()?;
    let name = quoted(&link.name);
    if !link.outage.is_empty() {
        return Some(
            Draft::problem(
                case.subject(),
                format!(
                    "This is the link {} of the stack {}, and it is cut ({}).",
                    link.name, stack.name, link.outage
                ),
            )
            .likely(96)
            .seen(
                Method::Records,
                format!("the outage of {} is {}", link.name, link.outage),
            )
            .run("Heal it.", format!("wharf heal {name}")),
        );
    }
    let hurts = matches!(
        case.failure(),
        Some(Failure::TimedOut | Failure::Reset | Failure::Http(_))
    );
    let says = format!(
        "This is the link {} of the stack {}, with the conditions {}.",
        link.name, stack.name, link.conditions
    );
    let draft = if hurts {
        Draft::problem(case.subject(), says).likely(85)
    } else {
        Draft::note(case.subject(), says).likely(46)
    };
    Some(
        draft
            .seen(
                Method::Records,
                format!("{} is set to {}", link.name, link.conditions),
            )
            .run("Clear them.", format!("wharf set {name} --clear")),
    )
}

/// Whether `process` or what started it has to do with `lease`.
fn belongs(case: &Case<'_>, pid: u32, lease: &OurLease) -> bool {
    case.snapshot.ancestry(pid).into_iter().any(|process| {
        let in_checkout = match &process.checkout {
            Seen::Known(Some(checkout)) => checkout.root == lease.checkout,
            _ => false,
        };
        let cwd = process.cwd.known().map_or("", String::as_str);
        let below = cwd.strip_prefix(lease.checkout.as_str());
        in_checkout
            || Some(process.pid) == lease.holder
            || is_wharf(process)
            || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn foreign_on_lease(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let lease = port_facts::lease(case.snapshot, port)?;
    let owners = case.listening();
    let owner = owners.first()?;
    let is_known = owner.cwd.is_known() || owner.checkout.is_known();
    if !is_known || owners.iter().any(|owner| belongs(case, owner.pid, lease)) {
        return None;
    }
    let draft = if case.finds_port_in_use() {
        Draft::problem(
            case.subject(),
            format!(
                "Wharf gave port {port} to `{}` of {}, and {} has taken it.",
                lease.service,
                lease.checkout,
                words::process(owner)
            ),
        )
        .likely(95)
    } else {
        Draft::warning(
            case.subject(),
            format!(
                "Wharf gave port {port} to `{}` of {}, and {} listens there.",
                lease.service,
                lease.checkout,
                words::process(owner)
            ),
        )
        .likely(77)
    };
    Some(
        draft
            .seen(
                Method::Records,
                format!("the lease is of `{}` of {}", lease.service, lease.checkout),
            )
            .seen(Method::Processes, words::introduce(case.snapshot, owner))
            .run("Stop it.", case.stop_command())
            .run(
                "Or give the service another port.",
                format!(
                    "cd {} && wharf release {}",
                    quoted(&lease.checkout),
                    quoted(&lease.service)
                ),
            ),
    )
}
