//! FQ-CoDel, flow queue CoDel: RFC 8290.
//!
//! Each flow has a queue of its own, found by a hash, with a CoDel of its own. The queues take turns
//! by deficit round robin, a quantum of bytes each; and a queue that was empty has its first quantum
//! before those that were not, so that a flow which sends little hardly waits.
//!
//! The names are those of the RFC's section 4. When the limit is exceeded, half of the longest queue
//! goes, from its head (4.1). What CoDel calls the queue's bytes is what waits in all queues, as in
//! Linux (`sch_fq_codel.c`), which the RFC describes in its section 5.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use super::codel::{self, Control};
use super::outcome::{Load, Lost, Pushed};
use super::policy::Policy;
use super::waiting::{Fifo, Gate, Waiting};
use crate::conditions;
use crate::packet::{Cause, Overflow, Packet};
use crate::random::{self, Purpose, Seed};

/// The most packets that are dropped at once (section 4.1).
const DROP_BATCH: usize = 64;

/// How many packets a queue that is empty keeps memory for.
const KEPT: usize = 64;

/// The least quantum, as in Linux, so that a turn does something.
const LEAST_QUANTUM: u64 = 256;

/// How it is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Law {
    flows: usize,
    quantum: i64,
    codel: codel::Law,
}

impl Law {
    pub(super) fn new(fq: &conditions::FqCoDel) -> Self {
        Self {
            flows: fq.flows.get() as usize,
            quantum: i64::try_from(fq.quantum.bytes().max(LEAST_QUANTUM)).unwrap_or(i64::MAX),
            codel: codel::Law::new(&conditions::CoDel {
                target: fq.target,
                interval: fq.interval,
                ecn: fq.ecn,
            }),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct FqCoDel<P> {
    flows: Vec<Flow<P>>,
    /// Queues that were empty not long ago.
    new: VecDeque<usize>,
    old: VecDeque<usize>,
    /// What waits in all queues.
    load: Load,
    law: Law,
    seed: Seed,
}

#[derive(Debug, Clone)]
struct Flow<P> {
    fifo: Fifo<P>,
    control: Control,
    /// How many bytes it may still send in this round.
    credit: i64,
    /// Whether it is in a list.
    active: bool,
}

impl<P: Packet> FqCoDel<P> {
    pub(super) fn new(law: Law, seed: Seed) -> Self {
        let flow = || Flow {
            fifo: Fifo::new(),
            control: Control::default(),
            credit: 0,
            active: false,
        };
        Self {
            flows: std::iter::repeat_with(flow).take(law.flows).collect(),
            new: VecDeque::new(),
            old: VecDeque::new(),
            load: Load::NONE,
            law,
            seed,
        }
    }

    /// False where flows would have to move to other queues.
    pub(super) fn retune(&mut self, law: Law) -> bool {
        let stays = law.flows == self.law.flows;
        if stays {
            let codel = self.law.codel.retuned(law.codel);
            self.law = Law { codel, ..law };
        }
        stays
    }

    /// Which queue a flow has: the top bits of hash × number of queues.
    fn hash(&self, flow: u64) -> usize {
        let [hash, _] = random::draw(self.seed, Purpose::Flow, flow);
        ((u128::from(hash) * self.flows.len() as u128) >> 64) as usize
    }

    /// Queues the packet, and says where.
    fn enqueue(&mut self, waiting: Waiting<P>) -> usize {
        let index = self.hash(waiting.packet.flow());
        if let Some(flow) = self.flows.get_mut(index) {
            self.load = self.load.plus(Load::of(&waiting.packet));
            flow.fifo.push(waiting);
            if !flow.active {
                flow.active = true;
                flow.credit = self.law.quantum;
                self.new.push_back(index);
            }
        }
        index
    }

    /// Drops half of the longest queue.
    fn shed(&mut self, lost: &mut impl FnMut(Lost<P>)) {
        // Whatever waits is in a list, so the many queues that are empty are not looked at. Of those
        // with as many bytes the one with more packets: packets may have no bytes, and a queue that
        // is empty yields nothing. Of equals the first.
        let length = |index: usize| {
            let load = self.flows.get(index).map(|flow| flow.fifo.load());
            load.map(|load| (load.bytes, load.packets))
        };
        let listed = self.new.iter().chain(&self.old).copied();
        let longest = listed.max_by_key(|&index| (length(index), Reverse(index)));
        let Some(flow) = longest.and_then(|index| self.flows.get_mut(index)) else {
            return;
        };
        let half = flow.fifo.load().packets.div_ceil(2).min(DROP_BATCH);
        for _ in 0..half {
            let Some(oldest) = flow.fifo.pop() else {
                return;
            };
            self.load = self.load.minus(Load::of(&oldest.packet));
            lost(oldest.lost(Cause::Queue));
        }
    }
}

impl<P: Packet> Policy<P> for FqCoDel<P> {
    fn push(&mut self, waiting: Waiting<P>, gate: Gate, lost: &mut impl FnMut(Lost<P>)) -> Pushed<P> {
        // What would not even fit alone behind what is on the line pushes nothing out.
        if !gate.admits(Load::NONE, waiting.len()) {
            return waiting.refused(Cause::Queue);
        }
        let before = self.load;
        self.enqueue(waiting);
        while gate.is_crowded(self.load, before) {
            self.shed(lost);
        }
        Pushed::Queued
    }

    fn pop(
        &mut self,
        now: Duration,
        overflow: Overflow,
        lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>> {
        let Self {
            flows,
            new,
            old,
            load,
            law,
            ..
        } = self;
        loop {
            let is_new = !new.is_empty();
            let list = if is_new { &mut *new } else { &mut *old };
            let index = *list.front()?;
            let flow = flows.get_mut(index)?;
            // "A negative number of credits (i.e., it has already dequeued at least a quantum)".
            if flow.credit <= 0 {
                flow.credit += law.quantum;
                list.pop_front();
                old.push_back(index);
                continue;
            }
            let pull = || {
                let waiting = flow.fifo.pop()?;
                *load = load.minus(Load::of(&waiting.packet));
                Some((waiting, load.bytes))
            };
            if let Some(popped) = flow.control.dequeue(now, &mut law.codel, overflow, pull, lost) {
                flow.credit -= popped.len() as i64;
                return Some(popped);
            }
            list.pop_front();
            if is_new {
                // Once round the old ones, or it could come back as new for ever and starve them.
                old.push_back(index);
            } else {
                flow.active = false;
                flow.fifo.shrink(KEPT);
            }
        }
    }

    fn load(&self) -> Load {
        self.load
    }

    fn take(&mut self) -> Vec<Waiting<P>> {
        self.new.clear();
        self.old.clear();
        self.load = Load::NONE;
        let mut all = Vec::new();
        for flow in &mut self.flows {
            flow.active = false;
            flow.control = Control::default();
            all.append(&mut flow.fifo.take());
        }
        all.sort_unstable_by_key(|waiting| waiting.number);
        all
    }

    fn restore(&mut self, waiting: Waiting<P>) {
        self.enqueue(waiting);
    }

    fn shift(&mut self, by: Duration) {
        for flow in &mut self.flows {
            flow.fifo.shift(by);
            flow.control.shift(by);
        }
    }
}
