// Bytes as a story of a machine: packets come, time passes, conditions change, cuts come and go; and at
// every step what must hold of any machine is asserted. Shared by the fuzz target, which looks for
// bytes that break it, and by the tests, which try random ones.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use wharf_link::trace::Repeat;
use wharf_link::{
    CoDel, Conditions, Correlation, Discipline, Distribution, Ecn, Flows, FqCoDel, GilbertElliott, Jitter,
    Latency, Loss, Machine, Markov, Mtu, Offer, Order, Outage, Overflow, Overhead, Packet, Pie, Probability,
    QueueLimit, Rate, Red, Reorder, Seed, Size, Table, TooBig, Trace, Turns,
};

/// A packet that is told from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    id: u64,
    len: usize,
    flow: u64,
    offered: Duration,
}

impl Packet for Item {
    fn len(&self) -> usize {
        self.len
    }

    fn flow(&self) -> u64 {
        self.flow
    }

    fn ecn(&self) -> bool {
        self.flow == 1
    }
}

/// Bytes, read from the front; when they are over, zeros.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: u32) -> u32 {
        let [a, b] = [self.byte(), self.byte()];
        (u32::from(u16::from_le_bytes([a, b])) * limit) >> 16
    }

    /// Something, one time in four.
    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 4 == 1).then(|| make(self))
    }

    fn time(&mut self) -> Duration {
        let unit = [1, 1_000, 100_000, 10_000_000][usize::from(self.byte() % 4)];
        Duration::from_nanos(u64::from(self.below(1_000)) * unit)
    }

    fn latency(&mut self) -> Latency {
        Latency::at_most(self.time())
    }

    fn size(&mut self) -> Size {
        Size::from_bytes(u64::from(self.below(20_000)))
    }

    fn probability(&mut self) -> Probability {
        Probability::from_parts_per_billion(self.below(1_001) * 1_000_000).unwrap_or_default()
    }

    fn positive<T>(&mut self, make: impl Fn(NonZeroU32) -> T) -> T {
        make(NonZeroU32::MIN.saturating_add(self.below(50)))
    }

    fn jitter(&mut self) -> Jitter {
        let table = Table::parse("table", "-9000 -8192 0 0 20000").expect("a table");
        let shapes = [
            Distribution::Uniform,
            Distribution::Normal,
            Distribution::Pareto,
            Distribution::ParetoNormal,
            Distribution::Table(table),
        ];
        let mut jitter = Jitter::uniform(self.time());
        jitter.distribution = shapes[usize::from(self.byte()) % shapes.len()].clone();
        jitter.correlation = Correlation::new(self.probability()).unwrap_or_default();
        jitter.order = [Order::Kept, Order::Kept, Order::Free][usize::from(self.byte() % 3)];
        jitter
    }

    fn trace(&mut self) -> Trace {
        let counts = [(0, self.below(2)), (self.below(5) + 1, self.below(9)), (20, 1)];
        let repeat = [Repeat::Loop, Repeat::Loop, Repeat::Once][usize::from(self.byte() % 3)];
        Trace::from_counts("trace", counts, repeat).expect("a trace")
    }

    fn discipline(&mut self) -> Discipline {
        let ecn = [Ecn::Drop, Ecn::Mark][usize::from(self.byte() % 2)];
        let target = Latency::micros(self.below(5_000) + 1);
        let interval = Latency::micros(self.below(50_000) + 1);
        match self.byte() % 6 {
            0 => Discipline::DropTail,
            1 => Discipline::DropHead,
            2 => Discipline::Red(Red { ecn, ..Red::DEFAULT }),
            3 => Discipline::CoDel(CoDel {
                target,
                interval,
                ecn,
            }),
            4 => Discipline::Pie(Pie {
                target,
                update: interval,
                ecn,
            }),
            _ => Discipline::FqCoDel(FqCoDel {
                flows: self.positive(Flows::new).unwrap_or_default(),
                target,
                interval,
                ecn,
                ..FqCoDel::DEFAULT
            }),
        }
    }

    fn loss(&mut self) -> Loss {
        let [p, r, good, bad] = [(); 4].map(|()| self.probability());
        let markov = Markov::new([p, r, r.complement(), good, p.complement()]);
        match self.byte() % 5 {
            0 => Loss::Random(p),
            1 => Loss::Correlated {
                rate: p,
                correlation: Correlation::new(r).unwrap_or_default(),
            },
            2 => Loss::GilbertElliott(GilbertElliott { p, r, good, bad }),
            3 => markov.map_or(Loss::Random(p), Loss::Markov),
            _ => "pattern 01011000".parse().expect("a loss"),
        }
    }

    fn mtu(&mut self) -> Option<Mtu> {
        let too_big = match self.below(2) {
            0 => TooBig::Told,
            _ => TooBig::Silent,
        };
        Mtu::new(self.below(3_000)).map(|mtu| mtu.with(too_big))
    }

    fn outage(&mut self) -> Option<Outage> {
        let [on, off] = [(); 2].map(|()| Latency::millis(self.below(40) + 1));
        let turns = [Turns::Periodic, Turns::Random][usize::from(self.byte() % 2)];
        Outage::new(on, off, turns)
    }

    /// Any conditions.
    pub(crate) fn conditions(&mut self) -> Conditions {
        let limits = [
            QueueLimit::Packets(self.below(20)),
            QueueLimit::Bytes(self.size()),
        ];
        Conditions {
            latency: self.latency(),
            jitter: self.maybe(Self::jitter),
            rate: self.maybe(|bytes| Rate::kbit(bytes.below(60_000) + 1)),
            burst: self.maybe(Self::size),
            overhead: self.maybe(|bytes| Overhead {
                packet: bytes.size(),
                cell: None,
            }),
            trace: self.maybe(Self::trace),
            queue: self.maybe(|bytes| limits[usize::from(bytes.byte() % 2)]),
            discipline: self.maybe(Self::discipline).unwrap_or_default(),
            loss: self.maybe(Self::loss),
            corrupt: self.maybe(Self::probability),
            duplicate: self.maybe(Self::probability),
            reorder: self.maybe(|bytes| Reorder {
                probability: bytes.probability(),
                gap: bytes.positive(|gap| gap),
            }),
            outage: self.maybe(Self::outage).flatten(),
            mtu: self.maybe(Self::mtu).flatten(),
            ..Conditions::CLEAR
        }
    }
}

/// What came out of a story: who arrived, and when.
pub(crate) type Arrivals = Vec<(u64, Duration)>;

/// A machine and what is known of it.
struct Story {
    machine: Machine<Item>,
    overflow: Overflow,
    now: Duration,
    offered: u64,
    /// What was accepted and has not arrived: some of it may have been dropped inside.
    under_way: BTreeMap<u64, Item>,
    /// The last of each flow that arrived.
    last: BTreeMap<u64, u64>,
    /// Whether anything could overtake within a flow.
    overtakes: bool,
    arrivals: Arrivals,
}

impl Story {
    fn set(&mut self, conditions: Conditions) {
        let free = |jitter: &Jitter| jitter.order == Order::Free;
        self.overtakes |= self.overflow == Overflow::Drop
            && (conditions.reorder.is_some() || conditions.jitter.as_ref().is_some_and(free));
        self.machine.set_conditions(self.now, conditions);
    }

    fn offer(&mut self, len: usize, flow: u64) {
        let item = Item {
            id: self.offered,
            len,
            flow,
            offered: self.now,
        };
        self.offered += 1;
        let room = self.machine.room();
        let (is_cut, is_empty) = (self.machine.is_cut(), self.machine.is_empty());
        match self.machine.offer(self.now, item) {
            Offer::Accepted => {
                assert!(!is_cut, "nothing enters a cut link");
                self.under_way.insert(item.id, item);
            }
            Offer::Full(back) => {
                assert_eq!((self.overflow, back), (Overflow::PushBack, item));
                let room = room.min(self.machine.room());
                assert!(
                    len > room || room == 0,
                    "{len} bytes were refused and there was room for {room}"
                );
            }
            Offer::Dropped(back, _) => assert_eq!((self.overflow, back), (Overflow::Drop, item)),
            Offer::TooBig(back, longest) => {
                assert_eq!((self.overflow, back), (Overflow::Drop, item));
                assert!(len > longest);
            }
        }
        assert!(!is_empty || self.machine.is_empty() || self.under_way.contains_key(&item.id));
    }

    fn poll(&mut self) -> bool {
        let Some(delivery) = self.machine.poll(self.now) else {
            return false;
        };
        let item = delivery.packet;
        assert_eq!(self.under_way.remove(&item.id), Some(item), "it was under way");
        assert!(delivery.ideal_time <= self.now, "nothing arrives before its time");
        assert!(
            delivery.ideal_time >= item.offered,
            "nothing arrives before it left"
        );
        if let Some((_, last)) = self.arrivals.last() {
            assert!(*last <= delivery.ideal_time, "times never run backwards");
        }
        if let Some(before) = self.last.insert(item.flow, item.id) {
            assert!(self.overtakes || before < item.id, "the order of a flow is kept");
        }
        assert!(delivery.corrupt.is_none_or(|bit| bit < item.len as u64 * 8));
        assert!(!delivery.ce || item.ecn());
        match self.overflow {
            Overflow::Drop => assert!(!delivery.lost),
            Overflow::PushBack => assert!(!delivery.duplicate && delivery.corrupt.is_none()),
        }
        self.arrivals.push((item.id, delivery.ideal_time));
        true
    }

    fn drain(&mut self) {
        // Each wake-up brings a packet, or has one leave.
        let mut idle = 0;
        while let Some(next) = self.machine.next_wakeup() {
            self.now = self.now.max(next);
            idle = if self.poll() { 0 } else { idle + 1 };
            assert!(idle <= self.under_way.len() + 1, "a wake-up moves something");
        }
    }

    fn finish(mut self) -> Arrivals {
        self.machine.heal(self.now);
        self.drain();
        // A trace that is over lets nothing pass.
        self.set(Conditions::CLEAR);
        self.drain();
        assert!(self.machine.is_empty(), "nothing is left behind");
        let counters = self.machine.counters();
        assert_eq!(counters.delivered, self.arrivals.len() as u64);
        assert_eq!(
            counters.dropped_inside,
            self.under_way.len() as u64,
            "what is gone was dropped"
        );
        assert_eq!(counters.accepted, counters.delivered + counters.dropped_inside);
        let dropped = counters.dropped_by_cut
            + counters.dropped_by_outage
            + counters.dropped_by_mtu
            + counters.dropped_by_loss
            + counters.dropped_by_queue
            + counters.dropped_by_aqm;
        let refused = counters.pushed_back + dropped - counters.dropped_inside;
        assert_eq!(
            counters.accepted + refused,
            self.offered,
            "each packet is counted once"
        );
        match self.overflow {
            Overflow::Drop => assert_eq!(counters.pushed_back, 0),
            Overflow::PushBack => assert_eq!(dropped, 0, "nothing of a stream is dropped"),
        }
        self.arrivals
    }
}

/// Lives through a story.
///
/// # Panics
/// If the machine does what none may.
pub(crate) fn drive(story: &[u8]) -> Arrivals {
    let mut bytes = Bytes(story);
    let overflow = [Overflow::Drop, Overflow::PushBack][usize::from(bytes.byte() % 2)];
    let seed = Seed(u64::from(bytes.byte()));
    let mut story = Story {
        machine: Machine::new(Conditions::CLEAR, seed, overflow),
        overflow,
        now: Duration::ZERO,
        offered: 0,
        under_way: BTreeMap::new(),
        last: BTreeMap::new(),
        overtakes: false,
        arrivals: Vec::new(),
    };
    let first = bytes.conditions();
    story.set(first);
    while !bytes.0.is_empty() {
        match bytes.byte() % 16 {
            0..=2 => story.now += bytes.time(),
            3..=9 => {
                let flow = u64::from(bytes.byte() % 3);
                story.offer(bytes.below(3_000) as usize, flow);
            }
            10..=12 => while story.poll() {},
            13 => {
                let conditions = bytes.conditions();
                story.set(conditions);
            }
            14 => story.machine.cut(story.now),
            _ => story.machine.heal(story.now),
        }
    }
    story.finish()
}
