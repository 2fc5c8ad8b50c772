//! Drop-head: who finds the queue full pushes out those that have waited longest.
//!
//! The loss is at the head, so its sender learns of it sooner by the time that a full queue takes
//! to drain. Mahimahi's `drophead` and Linux's `pfifo_head_drop` do the same.

use super::outcome::{Load, Lost, Pushed};
use super::single::Rule;
use super::waiting::{Fifo, Gate, Waiting};
use crate::packet::{Cause, Packet};

#[derive(Debug, Clone, Copy)]
pub(super) struct DropHead;

impl<P: Packet> Rule<P> for DropHead {
    fn push(
        &mut self,
        fifo: &mut Fifo<P>,
        waiting: Waiting<P>,
        gate: Gate,
        lost: &mut impl FnMut(Lost<P>),
    ) -> Pushed<P> {
        // What would not even fit alone behind what is on the line pushes nothing out.
        if !gate.admits(Load::NONE, waiting.len()) {
            return waiting.refused(Cause::Queue);
        }
        let before = fifo.load();
        fifo.push(waiting);
        while gate.is_crowded(fifo.load(), before) {
            let Some(oldest) = fifo.pop() else {
                break;
            };
            lost(oldest.lost(Cause::Queue));
        }
        Pushed::Queued
    }
}
