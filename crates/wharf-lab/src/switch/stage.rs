//! The stages of one direction: one machine a segment, one after the other.

use std::time::Duration;

use wharf_link::{Cause, Conditions, Counters, Dropped, Machine, Offer, Overflow, Seed};

use super::parcel::Parcel;
use super::tap::End;

/// Whether packets that their sender left to be cut may stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offload {
    /// They may: what is done to one would be done to all of its pieces.
    Kept,
    /// They may not: each piece has a fate, a length or a time of its own.
    Cut,
}

/// Whether conditions tell packets from each other.
pub(crate) fn offload(conditions: &Conditions) -> Offload {
    // What is left is latency, without jitter, and time at which nothing passes.
    let only_time = Conditions {
        latency: conditions.latency,
        outage: conditions.outage,
        stream: conditions.stream,
        scope: conditions.scope,
        discipline: conditions.discipline,
        queue: conditions.queue,
        overhead: conditions.overhead,
        ..Conditions::CLEAR
    };
    if only_time == *conditions {
        Offload::Kept
    } else {
        Offload::Cut
    }
}

/// All stages of one direction, in the order in which packets pass them.
#[derive(Debug)]
pub(crate) struct Stages {
    machines: Vec<Machine<Parcel>>,
    offload: Offload,
}

/// What comes out of a stage.
pub(crate) type Delivery = wharf_link::Delivery<Parcel>;

impl Stages {
    pub(crate) fn new(path: Vec<(Conditions, Seed)>) -> Self {
        let machines = path
            .into_iter()
            .map(|(conditions, seed)| Machine::new(conditions, seed, Overflow::Drop));
        let mut stages = Self {
            machines: machines.collect(),
            offload: Offload::Kept,
        };
        stages.decide();
        stages
    }

    fn decide(&mut self) {
        let cut = |machine: &Machine<Parcel>| offload(machine.conditions()) == Offload::Cut;
        self.offload = if self.machines.iter().any(cut) {
            Offload::Cut
        } else {
            Offload::Kept
        };
    }

    pub(crate) fn len(&self) -> usize {
        self.machines.len()
    }

    pub(crate) fn offload(&self) -> Offload {
        self.offload
    }

    /// Whether what comes now leaves now.
    pub(crate) fn is_transparent(&self) -> bool {
        self.machines.iter().all(Machine::is_transparent)
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.machines.iter().all(Machine::is_empty)
    }

    pub(crate) fn set(&mut self, position: usize, now: Duration, conditions: Conditions) {
        if let Some(machine) = self.machines.get_mut(position) {
            machine.set_conditions(now, conditions);
            self.decide();
        }
    }

    pub(crate) fn offer(&mut self, position: usize, now: Duration, parcel: Parcel) -> Option<Offer<Parcel>> {
        Some(self.machines.get_mut(position)?.offer(now, parcel))
    }

    pub(crate) fn poll(&mut self, position: usize, now: Duration) -> Option<Delivery> {
        self.machines.get_mut(position)?.poll(now)
    }

    /// Keeps what the machines drop inside, until it is taken.
    pub(crate) fn keep_dropped(&mut self) {
        self.machines.iter_mut().for_each(Machine::keep_dropped);
    }

    pub(crate) fn take_dropped(&mut self, position: usize) -> Option<Dropped<Parcel>> {
        self.machines.get_mut(position)?.take_dropped()
    }

    /// Why the machine at this position has dropped a packet, which had waited so long if it had been let in.
    pub(crate) fn end(&self, position: usize, cause: Cause, waited: Option<Duration>) -> Option<End> {
        Some(End::of(self.machines.get(position)?, cause, waited))
    }

    pub(crate) fn next_wakeup(&self) -> Option<Duration> {
        self.machines.iter().filter_map(Machine::next_wakeup).min()
    }

    pub(crate) fn counters(&self) -> Vec<Counters> {
        self.machines.iter().map(Machine::counters).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trains_stay_whole_where_all_their_packets_fare_alike() {
        let check = |key: &str, text: &str, expected: Offload| {
            let mut settings = wharf_link::Settings::default();
            settings.set(key, text).expect("a setting");
            let conditions = settings.resolve(&Conditions::CLEAR, &mut |_| Ok(String::new()));
            assert_eq!(
                offload(&conditions.expect("conditions")),
                expected,
                "{key} {text}"
            );
        };
        check("latency", "20ms", Offload::Kept);
        check("queue", "64KiB", Offload::Kept);
        check("rate", "10mbit", Offload::Cut);
        check("jitter", "1ms", Offload::Cut);
        check("loss", "1%", Offload::Cut);
        check("corrupt", "1%", Offload::Cut);
        check("duplicate", "1%", Offload::Cut);
        check("reorder", "1%", Offload::Cut);
        check("mtu", "1400", Offload::Cut);
    }
}
