//! All that connections of a link pass on their own, in one direction.

use std::time::Duration;

use wharf_link::{Conditions, Probability, Scope, StreamFault, StreamModel};

use crate::stage::{Effect, OnRemoval, Stage, StageId};

/// One stage of a plan, wherever it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub(crate) id: PostId,
    pub(crate) toxicity: Probability,
    pub(crate) effect: Effect,
}

/// Names a stage across changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostId {
    /// As it was set.
    Set(StageId),
    /// A fault of the link's conditions, by its place.
    Fault(usize),
    /// The rate of the link's conditions, where each connection has one of its own.
    Rate,
}

/// First what was set, then what the link's conditions do to connections, then their rate if it is each
/// connection's own.
pub(crate) fn plan(stages: &[Stage], conditions: &Conditions) -> Vec<Planned> {
    let set = stages.iter().map(|stage| Planned {
        id: PostId::Set(stage.id),
        toxicity: stage.toxicity,
        effect: stage.effect.clone(),
    });
    let faults = conditions.faults().iter().enumerate();
    let faults = faults.map(|(index, fault)| Planned {
        id: PostId::Fault(index),
        toxicity: fault.probability,
        effect: effect(fault),
    });
    let rate = own_rate(conditions).map(|conditions| Planned {
        id: PostId::Rate,
        toxicity: Probability::ALWAYS,
        effect: Effect::Conditions(conditions),
    });
    set.chain(faults).chain(rate).collect()
}

fn effect(fault: &StreamFault) -> Effect {
    match fault.effect {
        wharf_link::Effect::Slice { size, vary, delay } => Effect::Slice {
            average: size.size(),
            vary,
            delay: delay.duration(),
        },
        wharf_link::Effect::Limit(size) => Effect::Limit(size),
        wharf_link::Effect::SlowClose(delay) => Effect::SlowClose(delay.duration()),
        wharf_link::Effect::Timeout(after) => Effect::Timeout {
            after: Some(after.duration()).filter(|after| *after > Duration::ZERO),
            on_removal: OnRemoval::Resume,
        },
        wharf_link::Effect::Reset(delay) => Effect::Reset(delay.duration()),
        // A fault that this relay does not know yet.
        _ => Effect::Noop,
    }
}

/// The rate and its queue, if they are each connection's own.
fn own_rate(conditions: &Conditions) -> Option<Conditions> {
    (conditions.scope == Scope::Connection && conditions.is_limited()).then(|| Conditions {
        rate: conditions.rate,
        burst: conditions.burst,
        overhead: conditions.overhead,
        trace: conditions.trace.clone(),
        // By default it depends on the latency, which is the link's.
        queue: conditions.queue_limit(),
        ..Conditions::CLEAR
    })
}

/// What of a link's conditions is for its one machine: what connections share.
pub(crate) fn shared(conditions: &Conditions) -> Conditions {
    let all = of_streams(conditions);
    match own_rate(conditions) {
        None => all,
        Some(_) => Conditions {
            rate: None,
            burst: None,
            overhead: None,
            trace: None,
            queue: None,
            ..all
        },
    }
}

/// What of conditions acts on streams as they pass a machine. Corruption, duplicates, overtaking and a
/// longest packet are below TCP, which a relay ends: what is above sees them as loss and delay, which
/// have conditions of their own.
pub(crate) fn of_streams(conditions: &Conditions) -> Conditions {
    Conditions {
        corrupt: None,
        duplicate: None,
        reorder: None,
        mtu: None,
        faults: None,
        stream: StreamModel::DEFAULT,
        ..conditions.clone()
    }
}
