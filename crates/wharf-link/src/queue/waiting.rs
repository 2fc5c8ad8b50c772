//! Packets that wait, first come, first served; and how many may.

use std::collections::VecDeque;
use std::time::Duration;

use super::outcome::{Load, Lost, Popped, Pushed, Verdict};
use crate::conditions::{Ecn, QueueLimit};
use crate::packet::{Cause, Overflow, Packet};

/// The least room of a link on which nothing waits, whatever its limit: one Ethernet payload.
const LEAST_ROOM: u64 = 1500;

/// The most packets that wait under a limit in bytes, since packets of no bytes cost memory too.
const MOST_PACKETS: usize = 1 << 20;

/// A packet that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting<P> {
    pub(super) packet: P,
    /// Since when.
    pub(super) since: Duration,
    /// How many came before it.
    pub(super) number: u64,
    pub(super) verdict: Verdict,
}

/// How congestion is signalled: with a mark or with a loss.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signal {
    /// It is written on the packet, which goes on.
    Carried,
    /// The packet is to be dropped.
    Loss,
}

impl<P: Packet> Waiting<P> {
    pub(super) fn len(&self) -> u64 {
        self.packet.len() as u64
    }

    /// Signals congestion with this packet.
    pub(super) fn signal(&mut self, ecn: Ecn, overflow: Overflow) -> Signal {
        self.verdict = match (ecn, overflow) {
            (Ecn::Mark, _) if self.packet.ecn() => Verdict::Mark,
            (_, Overflow::Drop) => return Signal::Loss,
            // What takes no bytes of a stream is no segment that a network could lose.
            (_, Overflow::PushBack) if self.packet.is_empty() => Verdict::Forward,
            (_, Overflow::PushBack) => Verdict::Drop,
        };
        Signal::Carried
    }

    pub(super) fn lost(self, cause: Cause) -> Lost<P> {
        Lost {
            packet: self.packet,
            since: self.since,
            cause,
        }
    }

    pub(super) fn refused(self, cause: Cause) -> Pushed<P> {
        Pushed::Refused(self.packet, cause)
    }

    pub(super) fn popped(self) -> Popped<P> {
        Popped {
            packet: self.packet,
            since: self.since,
            verdict: self.verdict,
        }
    }
}

/// Packets in the order in which they came.
#[derive(Debug, Clone)]
pub(super) struct Fifo<P> {
    packets: VecDeque<Waiting<P>>,
    bytes: u64,
}

impl<P: Packet> Fifo<P> {
    pub(super) const fn new() -> Self {
        Self {
            packets: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(super) fn load(&self) -> Load {
        Load {
            packets: self.packets.len(),
            bytes: self.bytes,
        }
    }

    pub(super) fn push(&mut self, waiting: Waiting<P>) {
        self.bytes += waiting.len();
        self.packets.push_back(waiting);
    }

    /// Queues the packet if it may still enter.
    pub(super) fn push_at(&mut self, gate: Gate, waiting: Waiting<P>) -> Pushed<P> {
        if !gate.admits(self.load(), waiting.len()) {
            return waiting.refused(Cause::Queue);
        }
        self.push(waiting);
        Pushed::Queued
    }

    pub(super) fn pop(&mut self) -> Option<Waiting<P>> {
        let waiting = self.packets.pop_front()?;
        self.bytes -= waiting.len();
        Some(waiting)
    }

    pub(super) fn take(&mut self) -> Vec<Waiting<P>> {
        self.bytes = 0;
        std::mem::take(&mut self.packets).into()
    }

    /// Nothing waited while so much time passed.
    pub(super) fn shift(&mut self, by: Duration) {
        for waiting in &mut self.packets {
            waiting.since = waiting.since.saturating_add(by);
        }
    }

    /// Gives back the memory of a long queue that is gone.
    pub(super) fn shrink(&mut self, to: usize) {
        self.packets.shrink_to(to);
    }
}

/// Who may enter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate {
    pub(super) limit: QueueLimit,
    /// What the line has taken over and is sending, which counts too.
    pub(super) line: Load,
    pub(super) overflow: Overflow,
}

impl Gate {
    /// Whether a packet may join what waits. A link with nothing on it takes any one packet, so
    /// that no limit stops it altogether.
    pub(super) fn admits(self, waiting: Load, len: u64) -> bool {
        if len == 0 && self.overflow == Overflow::PushBack {
            return waiting.packets < MOST_PACKETS;
        }
        !self.is_over(waiting.plus(Load {
            packets: 1,
            bytes: len,
        }))
    }

    /// Whether more waits than may.
    pub(super) fn is_over(self, waiting: Load) -> bool {
        let held = self.line.plus(waiting);
        let over = match self.limit {
            QueueLimit::Bytes(limit) => held.bytes > limit.bytes() || waiting.packets > MOST_PACKETS,
            QueueLimit::Packets(limit) => held.packets > limit as usize,
        };
        over && held.packets > 1
    }

    /// Whether more waits than may, and more than `before`: a queue that was too long already,
    /// because its limit was lowered, need not be cut down at once. Never where nothing is dropped.
    pub(super) fn is_crowded(self, waiting: Load, before: Load) -> bool {
        let more = match self.limit {
            QueueLimit::Bytes(_) => waiting.bytes > before.bytes || waiting.packets > MOST_PACKETS,
            QueueLimit::Packets(_) => waiting.packets > before.packets,
        };
        self.overflow == Overflow::Drop && more && self.is_over(waiting)
    }

    /// How long a packet may be to be admitted.
    pub(super) fn room(self, waiting: Load) -> u64 {
        let held = self.line.plus(waiting);
        match self.limit {
            QueueLimit::Bytes(limit) if held.packets == 0 => limit.bytes().max(LEAST_ROOM),
            QueueLimit::Bytes(_) if waiting.packets >= MOST_PACKETS => 0,
            QueueLimit::Bytes(limit) => limit.bytes().saturating_sub(held.bytes),
            QueueLimit::Packets(_) if held.packets == 0 => u64::MAX,
            QueueLimit::Packets(limit) if held.packets < limit as usize => u64::MAX,
            QueueLimit::Packets(_) => 0,
        }
    }
}
