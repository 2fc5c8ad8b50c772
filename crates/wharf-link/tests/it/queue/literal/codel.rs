//! RFC 8289, section 5: the pseudo-code of its classes `codel_queue_t` and below.

use std::collections::VecDeque;
use std::time::Duration;

use wharf_link::queue::{Load, Setup, Verdict};
use wharf_link::{Cause, CoDel, Discipline, Ecn, Latency, Packet};

use super::super::{Entry, Fate, Item, Log, Subject};
use super::check;

/// A packet with its time stamp, in nanoseconds.
pub(super) type Stamped = (Item, i64);

/// The member variables of `codel_queue_t`, and its constants.
pub(super) struct CodelQueue {
    pub(super) target: i64,
    pub(super) interval: i64,
    pub(super) ecn: bool,
    pub(super) packets: VecDeque<Stamped>,
    first_above_time: i64,
    drop_next: i64,
    count: u32,
    lastcount: u32,
    dropping: bool,
}

struct DodequeueResult {
    p: Option<Stamped>,
    ok_to_drop: bool,
}

/// What the transcription asks of the queue around it.
pub(super) struct Around<'a> {
    /// `queue_t::bytes()`: of all queues, for FQ-CoDel.
    pub(super) bytes: &'a mut u64,
    pub(super) maxpacket: &'a mut u64,
    pub(super) log: &'a mut Log,
}

impl CodelQueue {
    pub(super) fn new(target: Latency, interval: Latency, ecn: Ecn) -> Self {
        Self {
            target: nanos(target.duration()),
            interval: nanos(interval.duration()),
            ecn: ecn == Ecn::Mark,
            packets: VecDeque::new(),
            first_above_time: 0,
            drop_next: 0,
            count: 0,
            lastcount: 0,
            dropping: false,
        }
    }

    fn dodequeue(&mut self, now: i64, around: &mut Around<'_>) -> DodequeueResult {
        let mut r = DodequeueResult {
            p: self.packets.pop_front(),
            ok_to_drop: false,
        };
        let Some((item, tstamp)) = r.p else {
            // The queue is empty: it cannot be above the target.
            self.first_above_time = 0;
            return r;
        };
        *around.bytes -= item.len as u64;
        *around.maxpacket = (*around.maxpacket).max((item.len as u64).min(1514));
        let sojourn_time = now - tstamp;
        if sojourn_time < self.target || *around.bytes <= *around.maxpacket {
            // Went below: stay below for at least an interval.
            self.first_above_time = 0;
        } else if self.first_above_time == 0 {
            // Just went above from below. If still above at first_above_time, it is ok to drop.
            self.first_above_time = now + self.interval;
        } else if now >= self.first_above_time {
            r.ok_to_drop = true;
        }
        r
    }

    fn control_law(&self, t: i64, count: u32) -> i64 {
        t + (self.interval as f64 / f64::from(count).sqrt()) as i64
    }

    /// `dequeue`, with the marks of Linux's `codel_dequeue`, for which the RFC leaves room. Returns
    /// the packet, and whether it is marked.
    pub(super) fn dequeue(&mut self, now: i64, mut around: Around<'_>) -> Option<(Stamped, bool)> {
        let mut marked = false;
        let mut r = self.dodequeue(now, &mut around);
        if self.dropping {
            if !r.ok_to_drop {
                // The sojourn time is below the target: leave the drop state.
                self.dropping = false;
            }
            // Time for the next drop. Drop the current packet and dequeue the next.
            while now >= self.drop_next && self.dropping {
                self.count += 1;
                if self.ecn && r.p.is_some_and(|(item, _)| item.ecn) {
                    marked = true;
                    self.drop_next = self.control_law(self.drop_next, self.count);
                    break;
                }
                drop(r.p, now, around.log);
                r = self.dodequeue(now, &mut around);
                if !r.ok_to_drop {
                    self.dropping = false;
                } else {
                    self.drop_next = self.control_law(self.drop_next, self.count);
                }
            }
        } else if r.ok_to_drop {
            if self.ecn && r.p.is_some_and(|(item, _)| item.ecn) {
                marked = true;
            } else {
                drop(r.p, now, around.log);
                r = self.dodequeue(now, &mut around);
            }
            self.dropping = true;
            // If it went above the target close to when it last went below, go on at the drop rate
            // that controlled the queue then.
            let delta = self.count - self.lastcount;
            self.count = 1;
            if delta > 1 && now - self.drop_next < 16 * self.interval {
                self.count = delta;
            }
            self.drop_next = self.control_law(now, self.count);
            self.lastcount = self.count;
        }
        r.p.map(|packet| (packet, marked))
    }
}

fn drop(packet: Option<Stamped>, now: i64, log: &mut Log) {
    let (item, tstamp) = packet.expect("only a packet is dropped");
    log.push(entry(item, tstamp, now, Fate::Lost(Cause::Aqm)));
}

pub(super) fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).expect("a short time")
}

pub(super) fn entry(item: Item, tstamp: i64, now: i64, fate: Fate) -> Entry {
    Entry {
        time: Duration::from_nanos(now as u64),
        item,
        fate,
        wait: Duration::from_nanos((now - tstamp) as u64),
    }
}

/// One such queue, with the limit before it.
struct Transcription {
    codel: CodelQueue,
    setup: Setup,
    bytes: u64,
    maxpacket: u64,
}

impl Subject for Transcription {
    fn push(&mut self, now: Duration, item: Item, line: Load, log: &mut Log) {
        let now = nanos(now);
        let waiting = Load {
            packets: self.codel.packets.len(),
            bytes: self.bytes,
        };
        if super::is_full(&self.setup, waiting, line, item.len()) {
            return log.push(entry(item, now, now, Fate::Refused(Cause::Queue)));
        }
        self.bytes += item.len as u64;
        self.codel.packets.push_back((item, now));
    }

    fn pop(&mut self, now: Duration, log: &mut Log) -> Option<Item> {
        let now = nanos(now);
        let around = Around {
            bytes: &mut self.bytes,
            maxpacket: &mut self.maxpacket,
            log,
        };
        let ((item, tstamp), marked) = self.codel.dequeue(now, around)?;
        let verdict = if marked { Verdict::Mark } else { Verdict::Forward };
        log.push(entry(item, tstamp, now, Fate::Sent(verdict)));
        Some(item)
    }
}

fn table(codel: CoDel) -> String {
    check(Discipline::CoDel(codel), |setup| Transcription {
        codel: CodelQueue::new(codel.target, codel.interval, codel.ecn),
        setup: *setup,
        bytes: 0,
        maxpacket: 0,
    })
}

#[test]
fn by_default() {
    insta::assert_snapshot!(table(CoDel::DEFAULT));
}

#[test]
fn with_marks() {
    insta::assert_snapshot!(table(CoDel {
        ecn: Ecn::Mark,
        ..CoDel::DEFAULT
    }));
}

#[test]
fn for_a_short_round_trip() {
    insta::assert_snapshot!(table(CoDel {
        target: Latency::millis(2),
        interval: Latency::millis(20),
        ecn: Ecn::Drop,
    }));
}
