//! Senders that behave as TCP does, in outline: slow start, one packet more each round trip, half as
//! many after a loss or a mark, once a round trip (RFC 5681).

use std::collections::BTreeMap;
use std::time::Duration;

use wharf_link::Rate;
use wharf_link::queue::Verdict;

use super::{Fate, Item, Line, Log, Subject};

const LEN: usize = 1250;

/// A sender with more to send than will ever pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    /// Its round trip where nothing waits.
    pub(crate) rtt: Duration,
    pub(crate) ecn: bool,
}

#[derive(Debug, Clone, Copy)]
enum News {
    Ack,
    Mark,
    Loss,
}

#[derive(Debug, Clone, Copy)]
struct State {
    sender: Sender,
    window: f64,
    threshold: f64,
    in_flight: u32,
    /// Losses until then are of the same round trip.
    recovering: Duration,
}

impl State {
    fn hear(&mut self, now: Duration, news: News) {
        match news {
            News::Ack if self.window < self.threshold => self.window += 1.0,
            News::Ack => self.window += 1.0 / self.window,
            News::Mark | News::Loss if now >= self.recovering => {
                self.window = (self.window / 2.0).max(2.0);
                self.threshold = self.window;
                self.recovering = now + self.sender.rtt;
            }
            News::Mark | News::Loss => {}
        }
        self.in_flight -= 1;
    }
}

/// Lets the senders send for so long, one flow each, and returns what became of their packets.
pub(crate) fn run(senders: &[Sender], rate: Rate, until: Duration, subject: &mut impl Subject) -> Log {
    let mut world = World {
        states: senders
            .iter()
            .map(|&sender| State {
                sender,
                window: 2.0,
                threshold: f64::INFINITY,
                in_flight: 0,
                recovering: Duration::ZERO,
            })
            .collect(),
        news: BTreeMap::new(),
        rate,
        line: Line::new(rate),
        log: Log::new(),
        told: 0,
        next: 0,
    };
    for flow in 0..senders.len() {
        // Not all at once.
        let now = Duration::from_millis(7 * flow as u64);
        world.line.run(now, subject, &mut world.log);
        world.send(now, flow, subject);
    }
    while let Some(now) = world.step(subject)
        && now < until
    {}
    world.log
}

struct World {
    states: Vec<State>,
    /// What senders will hear, by when.
    news: BTreeMap<(Duration, u64), (usize, News)>,
    rate: Rate,
    line: Line,
    log: Log,
    /// How much of the log the senders have been told.
    told: usize,
    next: u64,
}

impl World {
    fn step(&mut self, subject: &mut impl Subject) -> Option<Duration> {
        let news = self.news.first_key_value().map(|(&(time, _), _)| time);
        if let Some(done) = self.line.done()
            && news.is_none_or(|time| done <= time)
        {
            self.line.run(done, subject, &mut self.log);
            self.tell();
            return Some(done);
        }
        let ((now, _), (flow, news)) = self.news.pop_first()?;
        self.states[flow].hear(now, news);
        self.send(now, flow, subject);
        Some(now)
    }

    /// Sends what the window lets through.
    fn send(&mut self, now: Duration, flow: usize, subject: &mut impl Subject) {
        while f64::from(self.states[flow].in_flight) < self.states[flow].window.floor() {
            self.states[flow].in_flight += 1;
            let item = Item {
                ecn: self.states[flow].sender.ecn,
                ..Item::of_flow(self.next, LEN, flow as u64)
            };
            self.next += 1;
            self.line.push(now, item, subject, &mut self.log);
            self.tell();
        }
    }

    /// Sends the senders news of what has happened since: it takes a round trip.
    fn tell(&mut self) {
        for entry in &self.log[self.told..] {
            let flow = entry.item.flow as usize;
            let sending = Duration::from_nanos(entry.item.len as u64 * 8_000_000_000 / self.rate.bits());
            let news = match entry.fate {
                Fate::Sent(Verdict::Forward) => News::Ack,
                Fate::Sent(Verdict::Mark) => News::Mark,
                Fate::Sent(Verdict::Drop) | Fate::Refused(_) | Fate::Lost(_) => News::Loss,
            };
            let time = entry.time + sending + self.states[flow].sender.rtt;
            self.news.insert((time, entry.item.id), (flow, news));
        }
        self.told = self.log.len();
    }
}

/// What came of a run after its first five seconds.
pub(crate) struct Steady {
    /// How long packets that were sent had waited, in the mean.
    pub(crate) wait: Duration,
    /// The share of the line's time that was used.
    pub(crate) used: f64,
    /// Bytes sent by each flow.
    pub(crate) bytes: Vec<f64>,
    pub(crate) marked: usize,
    pub(crate) lost: usize,
}

pub(crate) const WARM_UP: Duration = Duration::from_secs(5);

pub(crate) fn steady(log: &Log, flows: usize, rate: Rate, until: Duration) -> Steady {
    let mut steady = Steady {
        wait: Duration::ZERO,
        used: 0.0,
        bytes: vec![0.0; flows],
        marked: 0,
        lost: 0,
    };
    let mut sent = 0;
    for entry in log
        .iter()
        .filter(|entry| entry.time >= WARM_UP && entry.time < until)
    {
        let Fate::Sent(verdict) = entry.fate else {
            steady.lost += 1;
            continue;
        };
        sent += 1;
        steady.wait += entry.wait;
        steady.bytes[entry.item.flow as usize] += entry.item.len as f64;
        steady.marked += usize::from(verdict == Verdict::Mark);
    }
    steady.wait /= sent;
    let bytes: f64 = steady.bytes.iter().sum();
    steady.used = bytes * 8.0 / rate.bits() as f64 / (until - WARM_UP).as_secs_f64();
    steady
}
