//! Whatever is done to a machine: order is kept, nothing is lost or made, and the queue is bounded.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;
use wharf_link::{Conditions, Jitter, Latency, Machine, Offer, Overflow, QueueLimit, Rate, Seed, Size};

use crate::Piece;

#[derive(Debug, Clone)]
enum Step {
    Wait(Duration),
    Offer(usize),
    Poll,
    Change(Box<Conditions>),
    Cut,
    Heal,
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let jitter = (0u64..50_000, any::<bool>()).prop_map(|(micros, normal)| {
        let spread = Duration::from_micros(micros);
        if normal {
            Jitter::normal(spread)
        } else {
            Jitter::uniform(spread)
        }
    });
    let queue = prop_oneof![
        (1u32..20).prop_map(QueueLimit::Packets),
        (0u64..20_000).prop_map(|bytes| QueueLimit::Bytes(Size::from_bytes(bytes))),
    ];
    let rate = (1u64..100_000_000).prop_map(|bits| Rate::from_bits(bits).expect("above zero"));
    (
        (0u32..100_000).prop_map(Latency::micros),
        proptest::option::of(jitter),
        proptest::option::of(rate),
        proptest::option::of(queue),
    )
        .prop_map(|(latency, jitter, rate, queue)| Conditions {
            latency,
            jitter,
            rate,
            queue,
            ..Conditions::CLEAR
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u64..20_000).prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
        10 => (0usize..3_000).prop_map(Step::Offer),
        4 => Just(Step::Poll),
        1 => conditions().prop_map(|conditions| Step::Change(Box::new(conditions))),
        1 => Just(Step::Cut),
        1 => Just(Step::Heal),
    ];
    proptest::collection::vec(step, 0..300)
}

struct Run {
    machine: Machine<Piece>,
    overflow: Overflow,
    now: Duration,
    next: u64,
    under_way: VecDeque<Piece>,
    last: Duration,
}

impl Run {
    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Wait(time) => self.now += *time,
            Step::Offer(len) => self.offer(*len)?,
            Step::Poll => while self.poll()? {},
            Step::Change(conditions) => self
                .machine
                .set_conditions(self.now, Conditions::clone(conditions)),
            Step::Cut => self.machine.cut(self.now),
            Step::Heal => self.machine.heal(self.now),
        }
        Ok(())
    }

    fn offer(&mut self, len: usize) -> Result<(), TestCaseError> {
        let piece = Piece { id: self.next, len };
        self.next += 1;
        match self.machine.offer(self.now, piece) {
            Offer::Accepted => {
                prop_assert!(!self.machine.is_cut());
                self.under_way.push_back(piece);
            }
            Offer::Full(back) => {
                prop_assert_eq!(self.overflow, Overflow::PushBack);
                prop_assert_eq!(back, piece);
                prop_assert!(len > self.machine.room() || self.machine.is_cut());
            }
            Offer::Dropped(back, _) => {
                prop_assert_eq!(self.overflow, Overflow::Drop);
                prop_assert_eq!(back, piece);
            }
            Offer::TooBig(..) => prop_assert!(false, "there is no MTU"),
        }
        Ok(())
    }

    fn poll(&mut self) -> Result<bool, TestCaseError> {
        let Some(delivery) = self.machine.poll(self.now) else {
            return Ok(false);
        };
        prop_assert_eq!(Some(delivery.packet), self.under_way.pop_front());
        prop_assert!(delivery.ideal_time <= self.now);
        prop_assert!(delivery.ideal_time >= self.last, "times never run backwards");
        self.last = delivery.ideal_time;
        Ok(true)
    }

    fn finish(mut self) -> Result<(), TestCaseError> {
        self.machine.heal(self.now);
        while let Some(next) = self.machine.next_wakeup() {
            self.now = self.now.max(next);
            prop_assert!(self.poll()?, "a wake-up brings a packet");
        }
        prop_assert!(self.under_way.is_empty() && self.machine.is_empty());
        let counters = self.machine.counters();
        prop_assert_eq!(counters.accepted, counters.delivered);
        prop_assert_eq!(counters.accepted_bytes, counters.delivered_bytes);
        let refused = counters.dropped_by_cut + counters.dropped_by_queue + counters.pushed_back;
        prop_assert_eq!(counters.accepted + refused, self.next);
        Ok(())
    }
}

proptest! {
    #[test]
    fn order_is_kept_and_nothing_is_lost_or_made(
        first in conditions(),
        steps in steps(),
        push_back in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let overflow = if push_back { Overflow::PushBack } else { Overflow::Drop };
        let mut run = Run {
            machine: Machine::new(first, Seed(seed), overflow),
            overflow,
            now: Duration::ZERO,
            next: 0,
            under_way: VecDeque::new(),
            last: Duration::ZERO,
        };
        for step in steps {
            run.take(&step)?;
        }
        run.finish()?;
    }

    #[test]
    fn polling_late_or_often_changes_no_arrival(
        first in conditions(),
        second in conditions(),
        pauses in proptest::collection::vec(0u64..10_000, 1..60),
        seed in any::<u64>(),
    ) {
        let first = Conditions { queue: None, ..first };
        let run = |often: bool| {
            let mut machine = Machine::new(first.clone(), Seed(seed), Overflow::Drop);
            let mut now = Duration::ZERO;
            let mut arrived = Vec::new();
            for (id, pause) in (0u64..).zip(&pauses) {
                now += Duration::from_micros(*pause);
                let _ = machine.offer(now, Piece { id, len: 1_000 });
                if id == 20 {
                    machine.set_conditions(now, second.clone());
                }
                while often && let Some(delivery) = machine.poll(now) {
                    arrived.push((delivery.packet.id, delivery.ideal_time));
                }
            }
            let late = now + Duration::from_secs(1_000_000);
            while let Some(delivery) = machine.poll(late) {
                arrived.push((delivery.packet.id, delivery.ideal_time));
            }
            arrived
        };
        prop_assert_eq!(run(true), run(false));
    }

    #[test]
    fn the_queue_never_holds_more_than_its_limit(
        limit in 1_500u64..20_000,
        lens in proptest::collection::vec(1usize..1_500, 1..100),
    ) {
        let conditions = Conditions {
            rate: Some(Rate::kbit(1)),
            queue: Some(QueueLimit::Bytes(Size::from_bytes(limit))),
            ..Conditions::CLEAR
        };
        let mut machine = Machine::new(conditions, Seed(0), Overflow::PushBack);
        for len in lens {
            let _ = machine.offer(Duration::ZERO, Piece { id: 0, len });
            prop_assert!(machine.counters().accepted_bytes <= limit);
        }
    }
}
