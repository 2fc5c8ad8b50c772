//! What Wharf itself runs and has given out, for a snapshot: the stacks by their control
//! sockets, the leases by the registry, the door by its note.

use std::time::{Duration, UNIX_EPOCH};

use wharf_door::OwnerNote;
use wharf_facts::{OurLease, OurLink, OurService, OurStack, Ours, Seen};
use wharf_lease::{Registry, Row};
use wharf_stack::control::{LinkStatus, ServiceStatus, StackStatus};

use crate::report::Report;
use crate::screen::{both_ways, cut};
use crate::surroundings::Surroundings;
use crate::target::{self, Running};

/// A stack answers within a millisecond. One that stands still must not hold up the rest.
const PATIENCE: Duration = Duration::from_millis(200);

/// What Wharf runs for this user. Without Wharf's own directories it is unknown, with the reason.
pub(super) fn seen() -> Seen<Ours> {
    match look() {
        Ok(ours) => Seen::Known(ours),
        Err(report) => Seen::unknown(report.error()),
    }
}

fn look() -> Result<Ours, Report> {
    let here = Surroundings::read()?;
    let door = OwnerNote::read(here.run_dir.path());
    Ok(Ours {
        stacks: target::all(&here).iter().map(stack).collect(),
        leases: leases(&here)?,
        door_pid: door.as_ref().map(|note| note.pid),
        door: door.map(|note| note.addresses).unwrap_or_default(),
    })
}

/// The leases; none where there is no registry yet, which a look does not make.
fn leases(here: &Surroundings) -> Result<Vec<OurLease>, Report> {
    if !here.state.has_registry() {
        return Ok(Vec::new());
    }
    let registry = Registry::open(&here.state, here.leases)?;
    Ok(registry.leases()?.iter().map(lease).collect())
}

fn lease(row: &Row) -> OurLease {
    let used = row.used.duration_since(UNIX_EPOCH).ok();
    OurLease {
        port: row.port,
        checkout: row.key.checkout.path().display().to_string(),
        service: row.key.service.clone(),
        name: row.key.port.clone(),
        last_used: used.map(|since| since.as_secs()),
        holder: None,
    }
}

/// A stack that does not answer is still one that runs.
fn stack(running: &Running) -> OurStack {
    let record = &running.record;
    let bare = OurStack {
        name: record.stack.clone(),
        file: record.identity.clone(),
        pid: Some(record.wharf.pid),
        run: record.run_id.clone(),
        ..OurStack::default()
    };
    match running.client().within(PATIENCE).status() {
        Ok(status) => OurStack {
            services: status.services.iter().map(service).collect(),
            links: status.links.iter().map(link).collect(),
            name: name(&status),
            ..bare
        },
        Err(_) => bare,
    }
}

fn name(status: &StackStatus) -> String {
    status.stack.clone()
}

fn service(service: &ServiceStatus) -> OurService {
    OurService {
        name: service.name.clone(),
        state: service.phase.word().to_owned(),
        pid: service.pid,
        told: service.ports.iter().map(|port| port.address).collect(),
        listens: service.listens.clone(),
        url: service.url.clone(),
    }
}

fn link(link: &LinkStatus) -> OurLink {
    let (consumer, provider) = link.name.split_once(" -> ").unwrap_or((&link.name, ""));
    let is_clear = link.up.is_clear() && link.down.is_clear();
    OurLink {
        name: link.name.clone(),
        consumer: consumer.to_owned(),
        provider: provider.to_owned(),
        address: Some(link.address),
        conditions: if is_clear {
            String::new()
        } else {
            both_ways(&link.up, &link.down)
        },
        outage: link.cut.map(cut).unwrap_or_default(),
    }
}
