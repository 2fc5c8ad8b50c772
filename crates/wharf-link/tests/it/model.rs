//! Whatever is done to a machine: nothing is lost but by a counted drop, nothing is made, order is kept
//! where it is promised, and chance is a function.

use std::time::Duration;

use proptest::prelude::*;
use wharf_link::{Conditions, Machine, Overflow, QueueLimit, Rate, Seed, Size};

use crate::Piece;
use crate::drive::{Bytes, drive};

/// Any conditions, as the stories have them.
fn conditions() -> impl Strategy<Value = Conditions> {
    proptest::collection::vec(any::<u8>(), 120).prop_map(|bytes| Bytes(&bytes).conditions())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// The assertions are in [`drive`].
    #[test]
    fn a_story_told_twice_ends_the_same(story in proptest::collection::vec(any::<u8>(), 0..1_500)) {
        prop_assert_eq!(drive(&story), drive(&story));
    }
}

proptest! {
    #[test]
    fn polling_late_or_often_changes_no_arrival(
        first in conditions(),
        second in conditions(),
        pauses in proptest::collection::vec(0u64..10_000, 1..60),
        seed in any::<u64>(),
    ) {
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

/// Stories that broke it once.
#[test]
fn stories_found_by_fuzzing() {
    // A trace that is over lets the line's packet leave never; healed under a random outage, the
    // schedule was walked to the end of time, and on.
    drive(&[
        25, 25, 25, 42, 1, 10, 137, 137, 137, 137, 137, 6, 106, 31, 0, 137, 137, 137, 137, 137, 137, 0, 137,
        137, 137, 137, 137, 255, 179, 179, 179, 179, 179, 179, 244, 0, 255, 49, 45, 0, 45, 0, 0, 1, 25, 25,
        25, 173, 173, 173, 0, 0, 0, 0, 0, 0, 0, 0, 179, 217, 217, 217, 217, 217, 217, 217, 217, 217, 217,
        217, 217, 217, 217, 217, 217, 217, 217, 179, 153, 153, 153, 153, 153, 71, 58, 110, 110, 42, 255, 110,
        179,
    ]);
}
