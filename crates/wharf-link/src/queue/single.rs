//! Disciplines of one row of packets, first come, first served: what they have in common.

use std::time::Duration;

use super::outcome::{Load, Lost, Pushed};
use super::policy::Policy;
use super::waiting::{Fifo, Gate, Waiting};
use crate::packet::{Overflow, Packet};

/// Who is let in, and who is let out.
pub(super) trait Rule<P: Packet> {
    /// Queues a packet or refuses it: by the limit alone, unless it says otherwise.
    fn push(
        &mut self,
        fifo: &mut Fifo<P>,
        waiting: Waiting<P>,
        gate: Gate,
        _lost: &mut impl FnMut(Lost<P>),
    ) -> Pushed<P> {
        fifo.push_at(gate, waiting)
    }

    /// Takes out the packet whose turn it is: the first, unless it says otherwise.
    fn pop(
        &mut self,
        fifo: &mut Fifo<P>,
        _now: Duration,
        _overflow: Overflow,
        _lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>> {
        fifo.pop()
    }

    /// Its own times are so much later.
    fn shift(&mut self, _by: Duration) {}
}

/// One row, and its rule.
#[derive(Debug, Clone)]
pub(super) struct Single<P, R> {
    fifo: Fifo<P>,
    pub(super) rule: R,
}

impl<P: Packet, R> Single<P, R> {
    pub(super) const fn new(rule: R) -> Self {
        Self {
            fifo: Fifo::new(),
            rule,
        }
    }
}

impl<P: Packet, R: Rule<P>> Policy<P> for Single<P, R> {
    fn push(&mut self, waiting: Waiting<P>, gate: Gate, lost: &mut impl FnMut(Lost<P>)) -> Pushed<P> {
        self.rule.push(&mut self.fifo, waiting, gate, lost)
    }

    fn pop(
        &mut self,
        now: Duration,
        overflow: Overflow,
        lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>> {
        self.rule.pop(&mut self.fifo, now, overflow, lost)
    }

    fn load(&self) -> Load {
        self.fifo.load()
    }

    fn take(&mut self) -> Vec<Waiting<P>> {
        self.fifo.take()
    }

    fn restore(&mut self, waiting: Waiting<P>) {
        self.fifo.push(waiting);
    }

    fn shift(&mut self, by: Duration) {
        self.fifo.shift(by);
        self.rule.shift(by);
    }
}
