//! Drop-head: who finds the queue full pushes out those that have waited longest.
//!
//! The loss is at the head, so its sender learns of it sooner by the time that a full queue takes
//! to drain. Mahimahi's `drophead` and Linux's `pfifo_head_drop` do the same.

use std::time::Duration;

use super::outcome::{Load, Lost, Pushed};
use super::policy::Policy;
use super::waiting::{Fifo, Gate, Waiting};
use crate::packet::{Cause, Overflow, Packet};

#[derive(Debug, Clone)]
pub(super) struct DropHead<P> {
    fifo: Fifo<P>,
}

impl<P: Packet> DropHead<P> {
    pub(super) const fn new() -> Self {
        Self { fifo: Fifo::new() }
    }
}

impl<P: Packet> Policy<P> for DropHead<P> {
    fn push(&mut self, waiting: Waiting<P>, gate: Gate, lost: &mut impl FnMut(Lost<P>)) -> Pushed<P> {
        // What would not even fit alone behind what is on the line pushes nothing out.
        if !gate.admits(Load::NONE, waiting.len()) {
            return waiting.refused(Cause::Queue);
        }
        let before = self.fifo.load();
        self.fifo.push(waiting);
        while gate.is_crowded(self.fifo.load(), before) {
            let Some(oldest) = self.fifo.pop() else {
                break;
            };
            lost(oldest.lost(Cause::Queue));
        }
        Pushed::Queued
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
