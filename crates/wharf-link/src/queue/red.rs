//! RED, random early detection: Floyd and Jacobson, "Random Early Detection gateways for
//! congestion avoidance", IEEE/ACM Transactions on Networking, 1993.
//!
//! The average length of the queue decides. Below `min` all packets pass, from `max` on none does,
//! and in between one in so many is dropped (or marked) at random, so that flows are hit in
//! proportion to what they send, and not all at once.
//!
//! This is the algorithm of the paper's figure 2, with lengths in bytes, without its option to spare
//! small packets, which RFC 7141 advises against. The later *gentle* mode (Floyd, 2000), where the
//! probability climbs from `probability` at `max` to one at twice `max`, is not done: Linux's `red`
//! does not do it either.

use std::time::Duration;

use super::outcome::{Lost, Pushed};
use super::single::Rule;
use super::waiting::{Fifo, Gate, Signal, Waiting};
use crate::conditions::{self, QueueLimit};
use crate::packet::{Cause, Overflow, Packet};
use crate::random::{self, Purpose, Seed};
use crate::units::{Rate, Size};

/// How long packets are taken to be, in bytes, where it must be known beforehand: what tc-red(8)
/// advises for its `avpkt`.
const MEAN_PACKET: f64 = 1000.0;

/// The least weight of a new sample in the average, about the paper's 0.002 (section 6).
const LEAST_WEIGHT: f64 = 1.0 / 512.0;

/// How it is set, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Law {
    min: f64,
    max: f64,
    probability: f64,
    weight: f64,
    /// How many packets of mean length pass in a second.
    packets: f64,
    ecn: conditions::Ecn,
}

impl Law {
    pub(super) fn new(red: &conditions::Red, limit: QueueLimit, rate: Rate) -> Self {
        let bytes = |size: Size| size.bytes() as f64;
        let limit = match limit {
            QueueLimit::Bytes(size) => bytes(size),
            QueueLimit::Packets(count) => f64::from(count) * MEAN_PACKET,
        };
        let max = match (red.min, red.max) {
            (_, Some(max)) => bytes(max),
            (Some(min), None) => (limit / 4.0).max(3.0 * bytes(min)),
            (None, None) => limit / 4.0,
        };
        let min = red.min.map_or(max / 3.0, bytes);
        Self {
            min,
            max,
            probability: f64::from(red.probability.parts_per_billion()) / 1e9,
            weight: weight(min, max),
            packets: rate.bits() as f64 / (8.0 * MEAN_PACKET),
            ecn: red.ecn,
        }
    }
}

/// The weight of a new sample in the average: the greatest power of ½ at which a burst of
/// (2 · min + max) / 3 that finds the queue empty does not bring the average to `min`. The burst is
/// tc-red(8)'s default, and the bound the paper's (section 6).
fn weight(min: f64, max: f64) -> f64 {
    let least = min / MEAN_PACKET;
    let burst = (2.0 * min + max) / (3.0 * MEAN_PACKET);
    let mut weight = 0.5;
    while weight > LEAST_WEIGHT && burst + 1.0 - least > (1.0 - libm::pow(1.0 - weight, burst)) / weight {
        weight /= 2.0;
    }
    weight
}

#[derive(Debug, Clone)]
pub(super) struct Red {
    law: Law,
    seed: Seed,
    /// The average length of the queue, in bytes.
    average: f64,
    /// Packets since the last one that was dropped or marked. `None`: the average was below `min`.
    count: Option<u32>,
    /// Since when nothing waits and nothing is sent.
    idle: Option<Duration>,
}

impl Red {
    pub(super) const fn new(law: Law, seed: Seed) -> Self {
        Self {
            law,
            seed,
            average: 0.0,
            count: None,
            idle: None,
        }
    }

    pub(super) fn retune(&mut self, law: Law) {
        self.law = law;
    }

    fn average(&mut self, now: Duration, waiting: u64) {
        match self.idle {
            // As if so many packets had come and found the queue empty as could have been sent in
            // the time.
            Some(since) => {
                let idle = now.saturating_sub(since).as_secs_f64();
                self.average *= libm::pow(1.0 - self.law.weight, idle * self.law.packets);
                self.idle = Some(now);
            }
            None => {
                self.average += self.law.weight * (waiting as f64 - self.average);
            }
        }
    }

    /// Whether this packet is to carry the news.
    fn hits(&mut self, number: u64) -> bool {
        let Law {
            min,
            max,
            probability,
            ..
        } = self.law;
        if self.average < min {
            self.count = None;
            return false;
        }
        if self.average >= max {
            self.count = Some(0);
            return true;
        }
        let count = self.count.map_or(0, |count| count.saturating_add(1));
        self.count = Some(count);
        let base = probability * (self.average - min) / (max - min);
        // The gaps come out uniform, not geometric (section 5): pa = pb / (1 − count · pb).
        let rest = 1.0 - f64::from(count) * base;
        let [draw, _] = random::draw(self.seed, Purpose::Red, number);
        let hit = random::open_unit(draw) * rest < base;
        if hit {
            self.count = Some(0);
        }
        hit
    }
}

impl<P: Packet> Rule<P> for Red {
    fn push(
        &mut self,
        fifo: &mut Fifo<P>,
        mut waiting: Waiting<P>,
        gate: Gate,
        _lost: &mut impl FnMut(Lost<P>),
    ) -> Pushed<P> {
        self.average(waiting.since, fifo.load().bytes);
        if self.hits(waiting.number)
            && let Signal::Loss = waiting.signal(self.law.ecn, gate.overflow)
        {
            return waiting.refused(Cause::Aqm);
        }
        let pushed = fifo.push_at(gate, waiting);
        if matches!(pushed, Pushed::Queued) {
            self.idle = None;
        }
        pushed
    }

    fn pop(
        &mut self,
        fifo: &mut Fifo<P>,
        now: Duration,
        _: Overflow,
        _lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>> {
        let popped = fifo.pop();
        if popped.is_none() {
            self.idle.get_or_insert(now);
        }
        popped
    }

    fn shift(&mut self, by: Duration) {
        self.idle = self.idle.map(|since| since.saturating_add(by));
    }
}
