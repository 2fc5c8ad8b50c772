//! What kind of port it is.

use wharf_facts::{Allocation, PortClass, Protocol, Snapshot, Turn, is_browser_blocked, well_known};

use crate::{LastUse, PortFacts, words};

/// What kind of port `port` is, on the machine of `snapshot`.
pub(crate) fn of(snapshot: &Snapshot, port: u16) -> PortFacts {
    let class = PortClass::of(port);
    let known = well_known(Protocol::Tcp, port);
    let allocation = Allocation::of(port, &snapshot.settings).into_known();
    let start = snapshot.settings.unprivileged_start.known();
    let lease = lease(snapshot, port);
    let mut facts = PortFacts {
        port,
        class,
        service: known.and_then(|row| row.name).map(str::to_owned),
        usual: known.map(|row| row.usual.to_owned()),
        given_to_bind: allocation.map(|allocation| allocation.bind),
        given_to_connect: allocation.map(|allocation| allocation.connect),
        privileged: start.map(|&start| port < start),
        browser_blocked: is_browser_blocked(port),
        leased_to: lease.map(|lease| words::clean(&format!("{} of {}", lease.service, lease.checkout))),
        says: String::new(),
    };
    facts.says = says(&facts);
    facts
}

fn says(facts: &PortFacts) -> String {
    let class = match facts.class {
        PortClass::System => "a system port",
        PortClass::User => "a registered port",
        PortClass::Dynamic => "a dynamic port",
    };
    let mut said = class.to_owned();
    match (&facts.service, &facts.usual) {
        (Some(service), Some(usual)) if !service.eq_ignore_ascii_case(usual) => {
            said.push_str(&format!(", assigned to {service}, usually {usual}"));
        }
        (_, Some(usual)) => said.push_str(&format!(", usually {usual}")),
        _ => {}
    }
    let comes = |turn: Option<Turn>| turn.map(Turn::comes);
    said.push_str(
        match (comes(facts.given_to_bind), comes(facts.given_to_connect)) {
            (Some(false), Some(false)) if facts.given_to_bind == Some(Turn::Reserved) => {
                "; this kernel was told not to give it out by itself"
            }
            (Some(false), Some(false)) => "; this kernel never gives it out by itself",
            (Some(true), _) if facts.given_to_bind == Some(Turn::First) => {
                "; this kernel gives it out by itself, to servers that ask for any port"
            }
            (_, Some(true)) => "; this kernel gives it out by itself, to connections that go out",
            _ => "",
        },
    );
    if facts.privileged == Some(true) {
        said.push_str("; binding it takes a privilege");
    }
    if facts.browser_blocked {
        said.push_str("; browsers refuse to go there");
    }
    if let Some(leased) = &facts.leased_to {
        said.push_str(&format!("; Wharf gave it to {leased}"));
    }
    said
}

/// Wharf's lease of `port`, if it gave it out.
pub(crate) fn lease(snapshot: &Snapshot, port: u16) -> Option<&wharf_facts::OurLease> {
    let leases = snapshot.ours.known().map_or(&[][..], |ours| &ours.leases);
    let mut found: Vec<_> = leases.iter().filter(|lease| lease.port == port).collect();
    found.sort_by(|a, b| (&a.checkout, &a.service, &a.name).cmp(&(&b.checkout, &b.service, &b.name)));
    found.first().copied()
}

/// Who had the port last.
pub(crate) fn last_use(snapshot: &Snapshot, port: u16) -> Option<LastUse> {
    let lease = lease(snapshot, port)?;
    Some(LastUse {
        service: words::clean(&lease.service),
        checkout: words::clean(&lease.checkout),
        at: lease.last_used,
    })
}
