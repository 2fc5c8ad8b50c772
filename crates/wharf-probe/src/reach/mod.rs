//! The effects: connections, deadlines, this machine's addresses and its trust store.
#![expect(
    clippy::disallowed_types,
    reason = "what connects, and with which clock, stands in this module and nowhere else"
)]

mod datagram;
mod exchange;
mod http2;
mod line;
mod own;
mod pages;
mod tls;
mod trust;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use wharf_facts::{Connect, Probe};

use crate::plan::LONGEST;
use crate::{Plan, Target};

pub(crate) use own::own_addresses;

/// How many listeners are probed side by side.
const SIDE_BY_SIDE: usize = 64;

/// Probes one listener. Returns within the plan's budget, whatever the listener does.
#[must_use]
pub fn probe(target: &Target, plan: &Plan) -> Probe {
    let all = probe_all(std::slice::from_ref(target), plan, plan.budget());
    match all.into_iter().next() {
        Some(probe) => probe,
        None => visit::blank(target, Connect::NotTried("nothing came of it".to_owned())),
    }
}

/// Probes listeners side by side, all of them within `budget` and at most a minute. There is one answer
/// for each, in the same order; those whose turn did not come say so.
#[must_use]
pub fn probe_all(targets: &[Target], plan: &Plan, budget: Duration) -> Vec<Probe> {
    let plan = *plan;
    // A thread of its own: the caller's may belong to another runtime.
    let probed = std::thread::scope(|scope| {
        let spawned = std::thread::Builder::new()
            .name("wharf-probe".to_owned())
            .spawn_scoped(scope, || run(targets, plan, budget));
        match spawned {
            Ok(thread) => thread.join().map_err(|_| "the prober failed".to_owned()),
            Err(error) => Err(format!("start a thread: {error}")),
        }
    });
    probed.and_then(|probed| probed).unwrap_or_else(|why| {
        let not_tried = |target| visit::blank(target, Connect::NotTried(why.clone()));
        targets.iter().map(not_tried).collect()
    })
}

fn run(targets: &[Target], plan: Plan, budget: Duration) -> Result<Vec<Probe>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("start a runtime: {error}"))?;
    Ok(runtime.block_on(all(targets, plan, budget)))
}

async fn all(targets: &[Target], plan: Plan, budget: Duration) -> Vec<Probe> {
    let until = Instant::now() + budget.min(LONGEST);
    let turns = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut visits = JoinSet::new();
    for (at, target) in targets.iter().cloned().enumerate() {
        let turns = Arc::clone(&turns);
        visits.spawn(async move {
            let Ok(Ok(_turn)) = timeout_at(until, turns.acquire_owned()).await else {
                return (at, None);
            };
            let until = until.min(Instant::now() + plan.budget());
            (at, Some(visit::visit(&target, &plan, until).await))
        });
    }
    let late = |target| {
        visit::blank(
            target,
            Connect::NotTried("its turn did not come in time".to_owned()),
        )
    };
    let mut probes: Vec<Probe> = targets.iter().map(late).collect();
    while let Some(visited) = visits.join_next().await {
        if let Ok((at, Some(probe))) = visited {
            probes[at] = probe;
        }
    }
    probes
}
