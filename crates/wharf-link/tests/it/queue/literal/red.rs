//! Floyd and Jacobson 1993, figure 2: the detailed algorithm for RED gateways.

use std::collections::VecDeque;
use std::time::Duration;

use wharf_link::queue::{Load, Setup, Verdict};
use wharf_link::{Cause, Discipline, Ecn, Packet, Probability, QueueLimit, Red, Size};

use super::super::philox::{self, Purpose};
use super::super::{Entry, Fate, Item, Log, SEED, Subject};
use super::check;

/// The figure's saved variables and fixed parameters.
struct Transcription {
    avg: f64,
    q_time: Duration,
    count: i64,
    wq: f64,
    minth: f64,
    maxth: f64,
    maxp: f64,
    /// The typical time to send a packet, in seconds: 1000 bytes at the rate.
    s: f64,
    is_idle: bool,
    ecn: bool,
    packets: VecDeque<(Item, Duration, Verdict)>,
    number: u64,
    setup: Setup,
}

impl Transcription {
    fn new(red: &Red, setup: &Setup) -> Self {
        // The thresholds that were not given: a quarter of the limit, and a third of that.
        let limit = match setup.limit {
            QueueLimit::Bytes(size) => size.bytes() as f64,
            QueueLimit::Packets(count) => f64::from(count) * 1000.0,
        };
        let maxth = red.max.map_or(limit / 4.0, |size| size.bytes() as f64);
        let minth = red.min.map_or(maxth / 3.0, |size| size.bytes() as f64);
        Self {
            avg: 0.0,
            q_time: Duration::ZERO,
            count: -1,
            wq: weight(minth, maxth),
            minth,
            maxth,
            maxp: f64::from(red.probability.parts_per_billion()) / 1e9,
            s: 8000.0 / setup.rate.bits() as f64,
            is_idle: false,
            ecn: red.ecn == Ecn::Mark,
            packets: VecDeque::new(),
            number: 0,
            setup: *setup,
        }
    }

    fn q(&self) -> u64 {
        self.packets.iter().map(|(item, ..)| item.len as u64).sum()
    }

    /// Whether the arriving packet is marked, which may mean dropped.
    fn marks(&mut self, now: Duration, number: u64) -> bool {
        if self.is_idle {
            let m = (now - self.q_time).as_secs_f64() / self.s;
            self.avg *= libm::pow(1.0 - self.wq, m);
            // The figure leaves q_time, as the packet fills the queue. One that is refused does not.
            self.q_time = now;
        } else {
            self.avg = (1.0 - self.wq) * self.avg + self.wq * self.q() as f64;
        }
        if self.minth <= self.avg && self.avg < self.maxth {
            self.count += 1;
            let pb = self.maxp * (self.avg - self.minth) / (self.maxth - self.minth);
            let pa = match self.count as f64 * pb {
                certain if certain >= 1.0 => 1.0,
                spent => pb / (1.0 - spent),
            };
            if philox::unit(SEED.0, Purpose::Red, number) < pa {
                self.count = 0;
                return true;
            }
            false
        } else if self.maxth <= self.avg {
            self.count = 0;
            true
        } else {
            self.count = -1;
            false
        }
    }
}

/// `tc_red_eval_ewma` of iproute2, with tc-red(8)'s default burst and avpkt; not below 2⁻⁹.
fn weight(min: f64, max: f64) -> f64 {
    let burst = (min + min + max) / 3000.0;
    let a = burst + 1.0 - min / 1000.0;
    let fits = |wlog: &i32| {
        let w = libm::pow(2.0, -f64::from(*wlog));
        a <= (1.0 - libm::pow(1.0 - w, burst)) / w
    };
    libm::pow(2.0, -f64::from((1..9).find(fits).unwrap_or(9)))
}

impl Subject for Transcription {
    fn push(&mut self, time: Duration, item: Item, line: Load, log: &mut Log) {
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
        let mut verdict = Verdict::Forward;
        if self.marks(time, number) {
            if !(self.ecn && item.ecn) {
                return refuse(Cause::Aqm, log);
            }
            verdict = Verdict::Mark;
        }
        let waiting = Load {
            packets: self.packets.len(),
            bytes: self.q(),
        };
        if super::is_full(&self.setup, waiting, line, item.len()) {
            return refuse(Cause::Queue, log);
        }
        self.packets.push_back((item, time, verdict));
        self.is_idle = false;
    }

    fn pop(&mut self, time: Duration, log: &mut Log) -> Option<Item> {
        let Some((item, since, verdict)) = self.packets.pop_front() else {
            if !self.is_idle {
                self.is_idle = true;
                self.q_time = time;
            }
            return None;
        };
        log.push(Entry {
            time,
            item,
            fate: Fate::Sent(verdict),
            wait: time - since,
        });
        Some(item)
    }
}

fn table(red: Red) -> String {
    check(Discipline::Red(red), |setup| Transcription::new(&red, setup))
}

#[test]
fn by_default() {
    insta::assert_snapshot!(table(Red::DEFAULT));
}

#[test]
fn with_marks() {
    insta::assert_snapshot!(table(Red {
        min: Some(Size::from_bytes(5_000)),
        max: Some(Size::from_bytes(15_000)),
        ecn: Ecn::Mark,
        ..Red::DEFAULT
    }));
}

#[test]
fn as_in_the_paper() {
    let probability = Probability::from_parts_per_billion(20_000_000).expect("2% is a probability");
    insta::assert_snapshot!(table(Red {
        min: Some(Size::from_bytes(5 * 1250)),
        max: Some(Size::from_bytes(15 * 1250)),
        probability,
        ..Red::DEFAULT
    }));
}
