//! Whatever is done to a queue: nothing is lost unsaid or made, counts are right, each flow keeps
//! its order, and the limit holds.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use wharf_link::queue::{Load, Lost, Pushed, Queue, Setup, Verdict};
use wharf_link::{
    CoDel, Discipline, Ecn, Flows, FqCoDel, Latency, Overflow, Pie, Probability, QueueLimit, Rate, Red, Seed,
    Size,
};

use super::Item;

#[derive(Debug, Clone)]
enum Step {
    Wait(Duration),
    Push { len: usize, flow: u64, ecn: bool },
    Pop,
    Set(Setup),
    Drain,
}

fn disciplines() -> impl Strategy<Value = Discipline> {
    let ecn = prop_oneof![Just(Ecn::Drop), Just(Ecn::Mark)];
    let size = || (1u64..20_000).prop_map(Size::from_bytes);
    let time = |most: u32| (1..most).prop_map(Latency::micros);
    let red = (
        proptest::option::of(size()),
        proptest::option::of(size()),
        0u32..1_000_000_000,
    );
    let numbers = (red, time(20_000), time(100_000), 1u32..40, size());
    (0..6, ecn, numbers).prop_map(|(which, ecn, (red, target, interval, flows, quantum))| {
        let probability = Probability::from_parts_per_billion(red.2).unwrap_or_default();
        let flows = NonZeroU32::new(flows).and_then(Flows::new).unwrap_or_default();
        let update = interval;
        let (min, max) = (red.0, red.1);
        match which {
            0 => Discipline::DropTail,
            1 => Discipline::DropHead,
            2 => Discipline::Red(Red {
                min,
                max,
                probability,
                ecn,
            }),
            3 => Discipline::CoDel(CoDel {
                target,
                interval,
                ecn,
            }),
            4 => Discipline::Pie(Pie { target, update, ecn }),
            _ => Discipline::FqCoDel(FqCoDel {
                flows,
                target,
                interval,
                quantum,
                ecn,
            }),
        }
    })
}

fn setups() -> impl Strategy<Value = Setup> {
    let limit = prop_oneof![
        (0u32..30).prop_map(QueueLimit::Packets),
        (0u64..30_000).prop_map(|bytes| QueueLimit::Bytes(Size::from_bytes(bytes))),
    ];
    (disciplines(), limit, 1_000u32..1_000_000).prop_map(|(discipline, limit, rate)| Setup {
        discipline,
        limit,
        rate: Rate::kbit(rate),
    })
}

/// Some are carriers' own marks, which take no bytes.
fn lens() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0), 9 => 1usize..2_000]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u64..30_000).prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
        12 => (lens(), 0u64..6, any::<bool>()).prop_map(|(len, flow, ecn)| Step::Push { len, flow, ecn }),
        6 => Just(Step::Pop),
        1 => setups().prop_map(Step::Set),
        1 => Just(Step::Drain),
    ];
    proptest::collection::vec(step, 0..400)
}

/// A queue, and what must be in it.
struct Run {
    queue: Queue<Item>,
    overflow: Overflow,
    now: Duration,
    line: Load,
    next: u64,
    /// What waits, with since when.
    waiting: BTreeMap<u64, (Item, Duration)>,
    /// All that was decided, to compare runs by.
    story: Vec<String>,
}

impl Run {
    fn new(setup: Setup, seed: u64, overflow: Overflow) -> Self {
        Self {
            queue: Queue::new(Duration::ZERO, setup, Seed(seed), overflow),
            overflow,
            now: Duration::ZERO,
            line: Load::NONE,
            next: 0,
            waiting: BTreeMap::new(),
            story: Vec::new(),
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Wait(time) => self.now += time,
            Step::Push { len, flow, ecn } => self.push(len, flow, ecn)?,
            Step::Pop => self.pop()?,
            Step::Set(setup) => self.queue.set(self.now, setup),
            Step::Drain => {
                let drained: Vec<_> = self.queue.drain().map(|popped| popped.packet.id).collect();
                let expected: Vec<_> = self.waiting.keys().copied().collect();
                prop_assert_eq!(drained, expected, "all, as they came");
                self.waiting.clear();
            }
        }
        let bytes = self.waiting.values().map(|(item, _)| item.len as u64).sum();
        let packets = self.waiting.len();
        prop_assert_eq!(self.queue.load(), Load { packets, bytes });
        prop_assert_eq!(self.queue.is_empty(), packets == 0);
        Ok(())
    }

    fn push(&mut self, len: usize, flow: u64, ecn: bool) -> Result<(), TestCaseError> {
        let item = Item {
            id: self.next,
            len,
            flow,
            ecn,
        };
        self.next += 1;
        let before = self.queue.load();
        let room = self.queue.room(self.line);
        let idle = before.packets + self.line.packets == 0;
        self.waiting.insert(item.id, (item, self.now));
        let mut lost = Vec::new();
        let pushed = self
            .queue
            .push(self.now, item, self.line, &mut |one| lost.push(one));
        self.story.push(format!("{pushed:?}"));
        if let Pushed::Refused(back, _) = pushed {
            prop_assert_eq!(back, item);
            self.waiting.remove(&item.id);
        }
        prop_assert!(!idle || room >= 1_500, "an idle link takes an Ethernet payload");
        if self.overflow == Overflow::PushBack {
            let fits = len == 0 || idle || len as u64 <= room;
            prop_assert_eq!(pushed == Pushed::Queued, fits);
        }
        self.lose(lost)?;
        let after = self.queue.load();
        let held = |load: Load| (load.packets + self.line.packets, load.bytes + self.line.bytes);
        let fits = match self.queue.setup().limit {
            QueueLimit::Packets(most) => held(after).0 <= most as usize || after.packets <= before.packets,
            QueueLimit::Bytes(most) => held(after).1 <= most.bytes() || after.bytes <= before.bytes,
        };
        prop_assert!(fits || held(after).0 <= 1 || (len == 0 && self.overflow == Overflow::PushBack));
        Ok(())
    }

    fn pop(&mut self) -> Result<(), TestCaseError> {
        let mut lost = Vec::new();
        let popped = self.queue.pop(self.now, &mut |one| lost.push(one));
        self.story.push(format!("{popped:?}"));
        self.lose(lost)?;
        let Some(popped) = popped else {
            prop_assert!(self.waiting.is_empty(), "who waits gets a turn");
            self.line = Load::NONE;
            return Ok(());
        };
        let item = popped.packet;
        prop_assert_eq!(self.waiting.remove(&item.id), Some((item, popped.since)));
        let earlier = self
            .waiting
            .values()
            .find(|(other, _)| other.flow == item.flow && other.id < item.id);
        prop_assert_eq!(earlier, None, "a flow keeps its order");
        match popped.verdict {
            Verdict::Forward => {}
            Verdict::Mark => prop_assert!(item.ecn),
            Verdict::Drop => prop_assert!(self.overflow == Overflow::PushBack && item.len > 0),
        }
        self.line = Load::of(&item);
        Ok(())
    }

    fn lose(&mut self, lost: Vec<Lost<Item>>) -> Result<(), TestCaseError> {
        for lost in lost {
            self.story.push(format!("{lost:?}"));
            prop_assert_eq!(self.overflow, Overflow::Drop);
            let known = self.waiting.remove(&lost.packet.id);
            prop_assert_eq!(known, Some((lost.packet, lost.since)));
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn each_packet_is_accounted_for(
        setup in setups(),
        steps in steps(),
        seed in any::<u64>(),
        push_back in any::<bool>(),
    ) {
        let overflow = if push_back { Overflow::PushBack } else { Overflow::Drop };
        let mut run = Run::new(setup, seed, overflow);
        for step in &steps {
            run.take(step)?;
        }
        while !run.queue.is_empty() {
            run.pop()?;
        }
        prop_assert!(run.waiting.is_empty());
        let mut again = Run::new(setup, seed, overflow);
        for step in &steps {
            again.take(step)?;
        }
        prop_assert!(run.story.starts_with(&again.story), "same seed, same decisions");
    }

    /// A long pause costs no more than a short one, however often a discipline looks at its clock.
    #[test]
    fn no_pause_is_too_long(setup in setups(), days in 1u64..10_000) {
        let mut run = Run::new(setup, 0, Overflow::Drop);
        for _ in 0..4 {
            run.take(&Step::Push { len: 1_000, flow: 0, ecn: false })?;
            run.take(&Step::Wait(Duration::from_secs(days * 86_400)))?;
            run.take(&Step::Pop)?;
        }
    }
}
