//! The queue and the rate: packets leave one after another, each taking its length's time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::conditions::QueueLimit;
use crate::packet::Packet;
use crate::units::Rate;

/// The least room that an empty queue has, whatever its limit: one Ethernet payload.
const LEAST_ROOM: u64 = 1500;

/// A packet with its number.
#[derive(Debug, Clone)]
pub(crate) struct Numbered<P> {
    pub(crate) packet: P,
    pub(crate) index: u64,
}

/// Packets waiting for their turn; the first of them is being sent.
#[derive(Debug, Clone)]
pub(crate) struct Transmitter<P> {
    queue: VecDeque<Numbered<P>>,
    bytes: u64,
    /// When the first packet will have left.
    done: Duration,
    /// What was cut off when `done` was rounded down, in bit·nanoseconds, so that a million packets
    /// take exactly a million times as long as one.
    carry: u128,
}

const NANOS: u128 = 1_000_000_000;

impl<P: Packet> Transmitter<P> {
    pub(crate) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            done: Duration::ZERO,
            carry: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn first(&self) -> Option<(Duration, u64)> {
        self.queue.front().map(|first| (self.done, first.index))
    }

    /// How long a packet may be to be taken now.
    pub(crate) fn room(&self, limit: QueueLimit) -> u64 {
        match limit {
            QueueLimit::Bytes(limit) if self.is_empty() => limit.bytes().max(LEAST_ROOM),
            QueueLimit::Bytes(limit) => limit.bytes().saturating_sub(self.bytes),
            QueueLimit::Packets(_) if self.is_empty() => u64::MAX,
            QueueLimit::Packets(limit) if self.queue.len() < limit as usize => u64::MAX,
            QueueLimit::Packets(_) => 0,
        }
    }

    pub(crate) fn takes(&self, len: usize, limit: QueueLimit) -> bool {
        len == 0 || self.is_empty() || len as u64 <= self.room(limit)
    }

    pub(crate) fn push(&mut self, now: Duration, packet: Numbered<P>, rate: Rate) {
        self.bytes += packet.packet.len() as u64;
        let idle = self.is_empty();
        self.queue.push_back(packet);
        if idle {
            self.carry = 0;
            self.begin(now, rate);
        }
    }

    /// Takes out the first packet, if it has left by `now`, with the time at which it did.
    pub(crate) fn pop(&mut self, now: Duration, rate: Rate) -> Option<(Duration, Numbered<P>)> {
        let left = self.done;
        if left > now {
            return None;
        }
        let packet = self.queue.pop_front()?;
        self.bytes -= packet.packet.len() as u64;
        self.begin(left, rate);
        Some((left, packet))
    }

    /// Takes out everything: there is no rate any more.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Numbered<P>> + use<'_, P> {
        self.bytes = 0;
        self.queue.drain(..)
    }

    /// The rest of the packet that is being sent goes at the new rate.
    pub(crate) fn change_rate(&mut self, now: Duration, old: Rate, new: Rate) {
        if self.is_empty() || old == new {
            return;
        }
        let left = self.done.saturating_sub(now).as_nanos();
        let rest = left * u128::from(old.bits()) / u128::from(new.bits());
        self.carry = 0;
        self.done = now.saturating_add(duration(rest));
    }

    /// Everything happens so much later.
    pub(crate) fn shift(&mut self, by: Duration) {
        self.done = self.done.saturating_add(by);
    }

    fn begin(&mut self, start: Duration, rate: Rate) {
        let Some(first) = self.queue.front() else {
            return;
        };
        let rate = u128::from(rate.bits());
        let work = first.packet.len() as u128 * 8 * NANOS + self.carry;
        self.carry = work % rate;
        self.done = start.saturating_add(duration(work / rate));
    }
}

fn duration(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
