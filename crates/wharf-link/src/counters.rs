//! What a machine counts: each drop and each delay under its cause.

use std::time::Duration;

use crate::packet::Cause;

/// What has passed a machine since it was made.
///
/// Every packet that was offered is in exactly one of `accepted`, `pushed_back` and the five drops at
/// the entrance; every one that was accepted is `delivered`, `dropped_inside`, or still in the machine.
///
/// Delays are sums over all packets that have left the near end. A packet's time from being accepted to
/// arriving is the sum of its time in the queue, at the rate, in propagation, and late by jitter, less
/// what it was early by jitter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Packets that were accepted.
    pub accepted: u64,
    /// Their bytes.
    pub accepted_bytes: u64,
    /// Packets that came out. A pair is one.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// Packets dropped because the link was cut.
    pub dropped_by_cut: u64,
    /// Packets dropped because the link was off.
    pub dropped_by_outage: u64,
    /// Packets handed back because they were too long.
    pub dropped_by_mtu: u64,
    /// Packets that were lost, as the conditions have it.
    pub dropped_by_loss: u64,
    /// Packets dropped because the queue was full, at its tail or at its head.
    pub dropped_by_queue: u64,
    /// Packets dropped by the queue's discipline before it was full.
    pub dropped_by_aqm: u64,
    /// Of the last two, those that had been accepted.
    pub dropped_inside: u64,
    /// Packets handed back.
    pub pushed_back: u64,
    /// Packets marked by the queue's discipline (ECN).
    pub marked: u64,
    /// Packets with a flipped bit.
    pub corrupted: u64,
    /// Packets that arrive twice.
    pub duplicated: u64,
    /// Packets that skipped the latency.
    pub reordered: u64,
    /// Packets of a stream that a network would have lost.
    pub lost: u64,
    /// Time before a packet's turn at the rate.
    pub in_queue: Duration,
    /// Time being sent.
    pub in_serialisation: Duration,
    /// Time of the latency.
    pub in_propagation: Duration,
    /// Time beyond the latency: longer by jitter, or held so as not to overtake.
    pub late_by_jitter: Duration,
    /// Time saved on the latency: shorter by jitter, or skipped by reordering.
    pub early_by_jitter: Duration,
}

impl Counters {
    /// A packet was dropped, at the entrance or inside.
    pub(crate) fn drop(&mut self, cause: Cause) {
        *match cause {
            Cause::Cut => &mut self.dropped_by_cut,
            Cause::Outage => &mut self.dropped_by_outage,
            Cause::Mtu => &mut self.dropped_by_mtu,
            Cause::Loss => &mut self.dropped_by_loss,
            Cause::Queue => &mut self.dropped_by_queue,
            Cause::Aqm => &mut self.dropped_by_aqm,
        } += 1;
    }

    /// A packet that had been accepted was dropped.
    pub(crate) fn drop_inside(&mut self, cause: Cause) {
        self.dropped_inside += 1;
        self.drop(cause);
    }

    /// A packet left at `left` and arrives at `arrival`, over a link of this latency.
    pub(crate) fn launch(&mut self, left: Duration, arrival: Duration, latency: Duration) {
        let took = arrival.saturating_sub(left);
        add(&mut self.in_propagation, latency);
        match took.checked_sub(latency) {
            Some(late) => add(&mut self.late_by_jitter, late),
            None => add(&mut self.early_by_jitter, latency.saturating_sub(took)),
        }
    }

    /// A packet waited, and was sent.
    pub(crate) fn leave(&mut self, queued: Duration, sent: Duration) {
        add(&mut self.in_queue, queued);
        add(&mut self.in_serialisation, sent);
    }
}

fn add(sum: &mut Duration, time: Duration) {
    *sum = sum.saturating_add(time);
}
