//! RFC 8033: section 4 and the pseudo-code of appendix A, with 5.1 (marks), 5.4 (derandomisation) and
//! 5.5 (cap).

use std::collections::VecDeque;
use std::time::Duration;

use wharf_link::queue::{Load, Setup, Verdict};
use wharf_link::{Cause, Discipline, Ecn, Latency, Packet, Pie};

use super::super::philox::{self, Purpose};
use super::super::{Entry, Fate, Item, Log, SEED, Subject};
use super::check;

const MAX_BURST: f64 = 0.150;
const MEAN_PKTSIZE: u64 = 1500;
const MARK_ECNTH: f64 = 0.1;
const ALPHA: f64 = 0.125;
const BETA: f64 = 1.25;

/// The RFC's variables. Times are in seconds, but for the clock.
struct Transcription {
    qdelay_ref: f64,
    t_update: Duration,
    ecn: bool,
    burst_allowance: f64,
    drop_prob: f64,
    accu_prob: f64,
    current_qdelay: f64,
    qdelay_old: f64,
    /// When the timer fires next.
    timer: Duration,
    packets: VecDeque<(Item, Duration, Verdict)>,
    number: u64,
    setup: Setup,
}

impl Transcription {
    fn new(pie: &Pie, setup: &Setup) -> Self {
        Self {
            qdelay_ref: pie.target.duration().as_secs_f64(),
            t_update: pie.update.duration(),
            ecn: pie.ecn == Ecn::Mark,
            burst_allowance: MAX_BURST,
            drop_prob: 0.0,
            accu_prob: 0.0,
            current_qdelay: 0.0,
            qdelay_old: 0.0,
            timer: pie.update.duration(),
            packets: VecDeque::new(),
            number: 0,
            setup: *setup,
        }
    }

    fn byte_length(&self) -> u64 {
        self.packets.iter().map(|(item, ..)| item.len as u64).sum()
    }

    /// Fires the timer as often as it is due.
    fn tick(&mut self, now: Duration) {
        while self.timer <= now {
            self.calculate_drop_prob();
            self.timer += self.t_update;
        }
    }

    fn calculate_drop_prob(&mut self) {
        let mut p =
            ALPHA * (self.current_qdelay - self.qdelay_ref) + BETA * (self.current_qdelay - self.qdelay_old);
        if self.drop_prob < 0.000001 {
            p /= 2048.0;
        } else if self.drop_prob < 0.00001 {
            p /= 512.0;
        } else if self.drop_prob < 0.0001 {
            p /= 128.0;
        } else if self.drop_prob < 0.001 {
            p /= 32.0;
        } else if self.drop_prob < 0.01 {
            p /= 8.0;
        } else if self.drop_prob < 0.1 {
            p /= 2.0;
        }
        // 5.5.
        if self.drop_prob >= 0.1 && p > 0.02 {
            p = 0.02;
        }
        self.drop_prob += p;
        // Decay when congestion goes away.
        if self.current_qdelay == 0.0 && self.qdelay_old == 0.0 {
            self.drop_prob *= 0.98;
        }
        self.drop_prob = self.drop_prob.clamp(0.0, 1.0);
        self.qdelay_old = self.current_qdelay;
        // In whole nanoseconds, or the allowance would end a rounding error above zero.
        let left = (self.burst_allowance * 1e9).round() - self.t_update.as_nanos() as f64;
        self.burst_allowance = left.max(0.0) / 1e9;
    }

    /// Whether the packet is to be dropped.
    fn drop_early(&mut self, number: u64) -> bool {
        // Work conserving.
        if (self.qdelay_old < self.qdelay_ref / 2.0 && self.drop_prob < 0.2)
            || self.byte_length() <= 2 * MEAN_PKTSIZE
        {
            return false;
        }
        // 5.4.
        if self.drop_prob == 0.0 {
            self.accu_prob = 0.0;
        }
        self.accu_prob += self.drop_prob;
        if self.accu_prob < 0.85 {
            return false;
        }
        if self.accu_prob >= 8.5 {
            return true;
        }
        philox::unit(SEED.0, Purpose::Pie, number) < self.drop_prob
    }
}

impl Subject for Transcription {
    fn push(&mut self, time: Duration, item: Item, line: Load, log: &mut Log) {
        self.tick(time);
        let number = self.number;
        self.number += 1;
        let refuse = |cause, log: &mut Log| {
            let fate = Fate::Refused(cause);
            let wait = Duration::ZERO;
            log.push(Entry {
                time,
                item,
                fate,
                wait,
            });
        };
        let waiting = Load {
            packets: self.packets.len(),
            bytes: self.byte_length(),
        };
        if super::is_full(&self.setup, waiting, line, item.len()) {
            self.accu_prob = 0.0;
            return refuse(Cause::Queue, log);
        }
        let mut verdict = Some(Verdict::Forward);
        if self.burst_allowance == 0.0 && self.drop_early(number) {
            self.accu_prob = 0.0;
            // 5.1.
            let mark = self.ecn && item.ecn && self.drop_prob < MARK_ECNTH;
            verdict = mark.then_some(Verdict::Mark);
        }
        match verdict {
            Some(verdict) => self.packets.push_back((item, time, verdict)),
            None => refuse(Cause::Aqm, log),
        }
        let low = self.qdelay_ref / 2.0;
        if self.drop_prob == 0.0 && self.current_qdelay < low && self.qdelay_old < low {
            self.burst_allowance = MAX_BURST;
        }
    }

    fn pop(&mut self, time: Duration, log: &mut Log) -> Option<Item> {
        self.tick(time);
        let (item, since, verdict) = self.packets.pop_front()?;
        self.current_qdelay = (time - since).as_secs_f64();
        // Not in the RFC, but in Linux: there is no delay in an empty queue.
        if self.packets.is_empty() {
            self.current_qdelay = 0.0;
        }
        log.push(Entry {
            time,
            item,
            fate: Fate::Sent(verdict),
            wait: time - since,
        });
        Some(item)
    }
}

fn table(pie: Pie) -> String {
    check(Discipline::Pie(pie), |setup| Transcription::new(&pie, setup))
}

#[test]
fn by_default() {
    insta::assert_snapshot!(table(Pie::DEFAULT));
}

#[test]
fn with_marks() {
    insta::assert_snapshot!(table(Pie {
        ecn: Ecn::Mark,
        ..Pie::DEFAULT
    }));
}

#[test]
fn for_a_lower_delay() {
    insta::assert_snapshot!(table(Pie {
        target: Latency::millis(5),
        update: Latency::millis(7),
        ..Pie::DEFAULT
    }));
}
