//! RFC 8290, section 4: enqueue (4.1) and dequeue (4.2), over the CoDel of RFC 8289.

use std::collections::VecDeque;
use std::time::Duration;

use wharf_link::queue::{Load, Setup, Verdict};
use wharf_link::{Cause, Discipline, Ecn, Flows, FqCoDel, Packet, QueueLimit, Size};

use super::super::philox::{self, Purpose};
use super::super::{Fate, Item, Log, SEED, Subject};
use super::check;
use super::codel::{Around, CodelQueue, entry, nanos};

struct FlowQueue {
    codel: CodelQueue,
    credits: i64,
}

impl FlowQueue {
    fn bytes(&self) -> u64 {
        self.codel.packets.iter().map(|(item, _)| item.len as u64).sum()
    }
}

struct Transcription {
    queues: Vec<FlowQueue>,
    new: VecDeque<usize>,
    old: VecDeque<usize>,
    quantum: i64,
    setup: Setup,
    bytes: u64,
    maxpacket: u64,
}

impl Transcription {
    fn new(fq: &FqCoDel, setup: &Setup) -> Self {
        let queue = |_| FlowQueue {
            codel: CodelQueue::new(fq.target, fq.interval, fq.ecn),
            credits: 0,
        };
        Self {
            queues: (0..fq.flows.get()).map(queue).collect(),
            new: VecDeque::new(),
            old: VecDeque::new(),
            quantum: fq.quantum.bytes() as i64,
            setup: *setup,
            bytes: 0,
            maxpacket: 0,
        }
    }

    fn waiting(&self) -> Load {
        let active = self.new.iter().chain(&self.old);
        Load {
            packets: active.map(|queue| self.queues[*queue].codel.packets.len()).sum(),
            bytes: self.bytes,
        }
    }

    fn is_over(&self, line: Load) -> bool {
        let waiting = self.waiting();
        match self.setup.limit {
            QueueLimit::Packets(most) => waiting.packets + line.packets > most as usize,
            QueueLimit::Bytes(most) => waiting.bytes + line.bytes > most.bytes(),
        }
    }
}

impl Subject for Transcription {
    fn push(&mut self, now: Duration, item: Item, line: Load, log: &mut Log) {
        let now = nanos(now);
        // The hash: one of so many queues, by the top bits of a product.
        let hash = philox::bits(SEED.0, Purpose::Flow, item.flow());
        let chosen = ((u128::from(hash) * self.queues.len() as u128) >> 64) as usize;
        self.queues[chosen].codel.packets.push_back((item, now));
        self.bytes += item.len as u64;
        if !self.new.contains(&chosen) && !self.old.contains(&chosen) {
            self.new.push_back(chosen);
            self.queues[chosen].credits = self.quantum;
        }
        // Too much: half of the packets of the queue with the most bytes go, but at most 64. With a
        // limit in bytes that may have to be done again.
        while self.is_over(line) {
            let most = self
                .queues
                .iter()
                .map(FlowQueue::bytes)
                .max()
                .expect("there are queues");
            let fattest = self.queues.iter().position(|queue| queue.bytes() == most);
            let fattest = &mut self.queues[fattest.expect("one has the most")];
            let half = fattest.codel.packets.len().div_ceil(2).min(64);
            for (item, tstamp) in fattest.codel.packets.drain(..half) {
                self.bytes -= item.len as u64;
                log.push(entry(item, tstamp, now, Fate::Lost(Cause::Queue)));
            }
        }
    }

    fn pop(&mut self, now: Duration, log: &mut Log) -> Option<Item> {
        let now = nanos(now);
        loop {
            let from_new = !self.new.is_empty();
            let list = if from_new { &mut self.new } else { &mut self.old };
            let chosen = *list.front()?;
            let queue = &mut self.queues[chosen];
            if queue.credits <= 0 {
                queue.credits += self.quantum;
                list.pop_front();
                self.old.push_back(chosen);
                continue;
            }
            let around = Around {
                bytes: &mut self.bytes,
                maxpacket: &mut self.maxpacket,
                log,
            };
            match queue.codel.dequeue(now, around) {
                Some(((item, tstamp), marked)) => {
                    queue.credits -= item.len as i64;
                    let verdict = if marked { Verdict::Mark } else { Verdict::Forward };
                    log.push(entry(item, tstamp, now, Fate::Sent(verdict)));
                    return Some(item);
                }
                None => {
                    list.pop_front();
                    if from_new {
                        self.old.push_back(chosen);
                    }
                }
            }
        }
    }
}

fn table(fq: FqCoDel) -> String {
    check(Discipline::FqCoDel(fq), |setup| Transcription::new(&fq, setup))
}

#[test]
fn by_default() {
    insta::assert_snapshot!(table(FqCoDel::DEFAULT));
}

#[test]
fn with_marks_and_a_small_quantum() {
    insta::assert_snapshot!(table(FqCoDel {
        quantum: Size::from_bytes(300),
        ecn: Ecn::Mark,
        ..FqCoDel::DEFAULT
    }));
}

#[test]
fn with_flows_that_share_queues() {
    insta::assert_snapshot!(table(FqCoDel {
        flows: Flows::new(3.try_into().expect("above zero")).expect("at most 65536"),
        ..FqCoDel::DEFAULT
    }));
}
