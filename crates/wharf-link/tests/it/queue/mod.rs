//! The queue before a rate, and its disciplines.

mod behaviour;
mod drops;
mod fairness;
mod laws;
mod literal;
mod live;
mod philox;
mod push_back;
mod recordings;
mod senders;

use std::time::Duration;

use wharf_link::queue::{Load, Lost, Pushed, Queue, Setup, Verdict};
use wharf_link::{Cause, Overflow, Packet, QueueLimit, Rate, Seed};

use self::recordings::Arrival;

pub(crate) const SEED: Seed = Seed(42);

/// A packet with all that a discipline may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: u64,
    pub(crate) len: usize,
    pub(crate) flow: u64,
    pub(crate) ecn: bool,
}

impl Item {
    pub(crate) fn plain(id: u64, len: usize) -> Self {
        Self {
            id,
            len,
            flow: 0,
            ecn: false,
        }
    }

    pub(crate) fn of_flow(id: u64, len: usize, flow: u64) -> Self {
        Self {
            flow,
            ..Self::plain(id, len)
        }
    }
}

impl Packet for Item {
    fn len(&self) -> usize {
        self.len
    }

    fn flow(&self) -> u64 {
        self.flow
    }

    fn ecn(&self) -> bool {
        self.ecn
    }
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was turned away when it came.
    Refused(Cause),
    /// It had been queued and was dropped.
    Lost(Cause),
    /// Its turn came.
    Sent(Verdict),
}

/// What became of one packet, when, and after how long a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) time: Duration,
    pub(crate) item: Item,
    pub(crate) fate: Fate,
    pub(crate) wait: Duration,
}

/// What became of each packet, in the order in which it was decided.
pub(crate) type Log = Vec<Entry>;

/// What packets can be put through: a queue of Wharf's, or a transcription of a specification.
pub(crate) trait Subject {
    fn push(&mut self, now: Duration, item: Item, line: Load, log: &mut Log);
    fn pop(&mut self, now: Duration, log: &mut Log) -> Option<Item>;
}

impl Subject for Queue<Item> {
    fn push(&mut self, time: Duration, item: Item, line: Load, log: &mut Log) {
        let pushed = Queue::push(self, time, item, line, &mut lost(time, log));
        if let Pushed::Refused(item, cause) = pushed {
            log.push(Entry {
                time,
                item,
                fate: Fate::Refused(cause),
                wait: Duration::ZERO,
            });
        }
    }

    fn pop(&mut self, time: Duration, log: &mut Log) -> Option<Item> {
        let popped = Queue::pop(self, time, &mut lost(time, log))?;
        log.push(Entry {
            time,
            item: popped.packet,
            fate: Fate::Sent(popped.verdict),
            wait: time - popped.since,
        });
        Some(popped.packet)
    }
}

fn lost(time: Duration, log: &mut Log) -> impl FnMut(Lost<Item>) {
    move |lost| {
        log.push(Entry {
            time,
            item: lost.packet,
            fate: Fate::Lost(lost.cause),
            wait: time - lost.since,
        });
    }
}

/// A line that takes one packet after another from a subject.
pub(crate) struct Line {
    rate: Rate,
    /// What is being sent, and when it will have left.
    sending: Option<(Item, Duration)>,
}

impl Line {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, sending: None }
    }

    pub(crate) fn load(&self) -> Load {
        self.sending.map_or(Load::NONE, |(item, _)| Load::of(&item))
    }

    /// When what is being sent will have left.
    pub(crate) fn done(&self) -> Option<Duration> {
        self.sending.map(|(_, done)| done)
    }

    /// Sends all that it can begin to send by `now`.
    pub(crate) fn run(&mut self, now: Duration, subject: &mut impl Subject, log: &mut Log) {
        while let Some((_, done)) = self.sending
            && done <= now
        {
            self.take(done, subject, log);
        }
    }

    pub(crate) fn push(&mut self, now: Duration, item: Item, subject: &mut impl Subject, log: &mut Log) {
        self.run(now, subject, log);
        subject.push(now, item, self.load(), log);
        if self.sending.is_none() {
            self.take(now, subject, log);
        }
    }

    fn take(&mut self, now: Duration, subject: &mut impl Subject, log: &mut Log) {
        self.sending = subject.pop(now, log).map(|item| {
            let nanos = item.len as u64 * 8 * 1_000_000_000 / self.rate.bits();
            (item, now + Duration::from_nanos(nanos))
        });
    }
}

/// Puts a recording through a subject with a line behind it.
pub(crate) fn play(arrivals: &[Arrival], rate: Rate, subject: &mut impl Subject) -> Log {
    let mut log = Log::new();
    let mut line = Line::new(rate);
    for arrival in arrivals {
        line.push(arrival.time, arrival.item, subject, &mut log);
    }
    while let Some(done) = line.done() {
        line.run(done, subject, &mut log);
    }
    log
}

pub(crate) fn queue(setup: Setup, overflow: Overflow) -> Queue<Item> {
    Queue::new(Duration::ZERO, setup, SEED, overflow)
}

/// A deep queue before 10 Mbit/s, where 1250 bytes take a millisecond.
pub(crate) fn setup(discipline: wharf_link::Discipline) -> Setup {
    Setup {
        discipline,
        limit: QueueLimit::Packets(10_000),
        rate: Rate::kbit(10_000),
    }
}
