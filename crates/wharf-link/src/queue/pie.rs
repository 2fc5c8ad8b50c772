//! PIE, proportional integral controller enhanced: RFC 8033.
//!
//! A controller looks at the latency of the queue every so often, and moves the probability with
//! which packets are dropped (or marked) on arrival, by how far the latency is from the target and
//! by how fast it changes.
//!
//! This is section 4 with appendix A, where the latency is measured by time stamps; with what
//! section 5 adds and Linux's `pie` does by default: marks (5.1), derandomisation (5.4) and the cap
//! on steps (5.5). As in Linux, the latency is none once the queue is empty, or the probability
//! would never fall while nothing comes.
//!
//! There is no timer. The updates that were due are made up for before each packet comes or goes,
//! which comes to the same: nothing else asks for their result.

use std::time::Duration;

use super::outcome::{Lost, Pushed};
use super::single::Rule;
use super::waiting::{Fifo, Gate, Signal, Waiting};
use crate::conditions::{self, Ecn};
use crate::packet::{Cause, Overflow, Packet};
use crate::random::{self, Purpose, Seed};

/// Section 4.2: weights of the latency's distance from the target and of its change, in Hz.
const ALPHA: f64 = 0.125;
const BETA: f64 = 1.25;

/// Section 4.4: how long a burst may be that is let through.
const MAX_BURST: Duration = Duration::from_millis(150);

/// Section 5.1: from this probability on, packets are dropped and no longer marked.
const MARK_BELOW: f64 = 0.1;

/// A packet that finds no more than two of these waiting is never dropped (section 4.1).
const MEAN_PACKET: u64 = 1500;

/// The most updates that are made up for at once, so that a short interval and a long pause cannot
/// stall a link: a minute's, each 15 ms. It takes a few hundred for the probability to fall from one
/// to zero, and once nothing moves the rest are skipped anyway.
const MOST_UPDATES: u32 = 1 << 12;

/// How it is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Law {
    target: Duration,
    update: Duration,
    ecn: Ecn,
}

impl Law {
    pub(super) fn new(pie: &conditions::Pie) -> Self {
        Self {
            target: pie.target.duration(),
            // Or there would be no end to updates.
            update: pie.update.duration().max(Duration::from_micros(1)),
            ecn: pie.ecn,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Pie {
    law: Law,
    seed: Seed,
    control: Control,
    /// When the next update is due.
    due: Duration,
}

/// What the controller remembers, under the RFC's names.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Control {
    drop_prob: f64,
    /// The sum of the probabilities since the last drop (section 5.4).
    accu_prob: f64,
    current_qdelay: Duration,
    qdelay_old: Duration,
    burst_allowance: Duration,
}

impl Control {
    const fn new() -> Self {
        Self {
            drop_prob: 0.0,
            accu_prob: 0.0,
            current_qdelay: Duration::ZERO,
            qdelay_old: Duration::ZERO,
            burst_allowance: MAX_BURST,
        }
    }

    fn calculate_drop_prob(&mut self, law: &Law) {
        let [current, old, target] =
            [self.current_qdelay, self.qdelay_old, law.target].map(|time| time.as_secs_f64());
        let mut step = (ALPHA * (current - target) + BETA * (current - old)) / scale(self.drop_prob);
        if self.drop_prob >= 0.1 {
            step = step.min(0.02);
        }
        self.drop_prob += step;
        if current == 0.0 && old == 0.0 {
            self.drop_prob *= 0.98;
        }
        self.drop_prob = self.drop_prob.clamp(0.0, 1.0);
        self.qdelay_old = self.current_qdelay;
        self.burst_allowance = self.burst_allowance.saturating_sub(law.update);
    }

    /// Whether the latency is so low that a burst may pass.
    fn is_calm(&self, law: &Law) -> bool {
        let low = law.target / 2;
        self.drop_prob == 0.0 && self.current_qdelay < low && self.qdelay_old < low
    }

    /// `drop_early` of the RFC.
    fn hits(&mut self, law: &Law, waiting: u64, chance: impl FnOnce() -> f64) -> bool {
        if (self.qdelay_old < law.target / 2 && self.drop_prob < 0.2) || waiting <= 2 * MEAN_PACKET {
            return false;
        }
        if self.drop_prob == 0.0 {
            self.accu_prob = 0.0;
        }
        self.accu_prob += self.drop_prob;
        let hit = self.accu_prob >= 0.85 && (self.accu_prob >= 8.5 || chance() < self.drop_prob);
        if hit {
            self.accu_prob = 0.0;
        }
        hit
    }
}

/// By how much steps are smaller while the probability is small (section 4.2).
fn scale(drop_prob: f64) -> f64 {
    match drop_prob {
        p if p < 0.000_001 => 2048.0,
        p if p < 0.000_01 => 512.0,
        p if p < 0.000_1 => 128.0,
        p if p < 0.001 => 32.0,
        p if p < 0.01 => 8.0,
        p if p < 0.1 => 2.0,
        _ => 1.0,
    }
}

impl Pie {
    pub(super) fn new(now: Duration, law: Law, seed: Seed) -> Self {
        Self {
            law,
            seed,
            control: Control::new(),
            due: now.saturating_add(law.update),
        }
    }

    pub(super) fn retune(&mut self, now: Duration, law: Law) {
        self.catch_up(now);
        self.law = law;
        self.due = self.due.min(now.saturating_add(law.update));
    }

    fn catch_up(&mut self, now: Duration) {
        for _ in 0..MOST_UPDATES {
            if self.due > now {
                return;
            }
            let before = self.control;
            self.control.calculate_drop_prob(&self.law);
            self.due = self.due.saturating_add(self.law.update);
            if self.control == before {
                break;
            }
        }
        // The rest are skipped, and the next is due at its usual time.
        if let Some(late) = now.checked_sub(self.due) {
            let missed = late.as_nanos() / self.law.update.as_nanos() + 1;
            let missed = u64::try_from(missed * self.law.update.as_nanos()).unwrap_or(u64::MAX);
            self.due = self.due.saturating_add(Duration::from_nanos(missed));
        }
    }
}

impl<P: Packet> Rule<P> for Pie {
    fn push(
        &mut self,
        fifo: &mut Fifo<P>,
        mut waiting: Waiting<P>,
        gate: Gate,
        _lost: &mut impl FnMut(Lost<P>),
    ) -> Pushed<P> {
        self.catch_up(waiting.since);
        let load = fifo.load();
        let Self { law, control, .. } = self;
        if !gate.admits(load, waiting.len()) {
            control.accu_prob = 0.0;
            return waiting.refused(Cause::Queue);
        }
        let chance = || {
            let [draw, _] = random::draw(self.seed, Purpose::Pie, waiting.number);
            random::open_unit(draw)
        };
        let hit = control.burst_allowance.is_zero() && control.hits(law, load.bytes, chance);
        let ecn = if control.drop_prob < MARK_BELOW {
            law.ecn
        } else {
            Ecn::Drop
        };
        let signal = hit.then(|| waiting.signal(ecn, gate.overflow));
        if control.is_calm(law) {
            control.burst_allowance = MAX_BURST;
        }
        if let Some(Signal::Loss) = signal {
            return waiting.refused(Cause::Aqm);
        }
        fifo.push(waiting);
        Pushed::Queued
    }

    fn pop(
        &mut self,
        fifo: &mut Fifo<P>,
        now: Duration,
        _: Overflow,
        _lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>> {
        self.catch_up(now);
        let popped = fifo.pop()?;
        self.control.current_qdelay = if fifo.load().packets == 0 {
            Duration::ZERO
        } else {
            now.saturating_sub(popped.since)
        };
        Some(popped)
    }

    fn shift(&mut self, by: Duration) {
        self.due = self.due.saturating_add(by);
    }
}
