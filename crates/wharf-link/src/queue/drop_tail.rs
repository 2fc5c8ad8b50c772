//! Drop-tail: first come, first served, and who finds the queue full is turned away.

use std::time::Duration;

use super::outcome::{Load, Lost, Pushed};
use super::policy::Policy;
use super::waiting::{Fifo, Gate, Waiting};
use crate::packet::{Overflow, Packet};

#[derive(Debug, Clone)]
pub(super) struct DropTail<P> {
    fifo: Fifo<P>,
}

impl<P: Packet> DropTail<P> {
    pub(super) const fn new() -> Self {
        Self { fifo: Fifo::new() }
    }
}

impl<P: Packet> Policy<P> for DropTail<P> {
    fn push(&mut self, waiting: Waiting<P>, gate: Gate, _lost: &mut impl FnMut(Lost<P>)) -> Pushed<P> {
        self.fifo.push_at(gate, waiting)
    }

    fn pop(&mut self, _now: Duration, _: Overflow, _lost: &mut impl FnMut(Lost<P>)) -> Option<Waiting<P>> {
        self.fifo.pop()
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
    }
}
