//! A queue that is set anew while packets wait.

use std::num::NonZeroU32;

use wharf_link::queue::{Load, Pushed, Queue, Setup, Verdict};
use wharf_link::{CoDel, Discipline, Flows, FqCoDel, Latency, Overflow, Pie, QueueLimit, Rate, Red};

use super::{Fate, Item, Line, Log, queue, setup};
use crate::ms;

const ALL: [Discipline; 6] = [
    Discipline::DropTail,
    Discipline::DropHead,
    Discipline::Red(Red::DEFAULT),
    Discipline::CoDel(CoDel::DEFAULT),
    Discipline::Pie(Pie::DEFAULT),
    Discipline::FqCoDel(FqCoDel::DEFAULT),
];

/// A queue in which packets of three flows wait, one each millisecond.
fn filled(discipline: Discipline, overflow: Overflow) -> Queue<Item> {
    let mut queue = queue(setup(discipline), overflow);
    for id in 0..30 {
        let item = Item::of_flow(id, 1_000, id % 3);
        let pushed = queue.push(ms(id), item, Load::NONE, &mut |_| ());
        assert_eq!(pushed, Pushed::Queued);
    }
    queue
}

#[test]
fn any_discipline_follows_any_other_and_nothing_moves() {
    for from in ALL {
        for to in ALL {
            let mut queue = filled(from, Overflow::Drop);
            queue.set(ms(30), setup(to));
            assert_eq!(
                queue.load(),
                Load {
                    packets: 30,
                    bytes: 30_000
                }
            );
            let all: Vec<_> = queue
                .drain()
                .map(|popped| (popped.packet.id, popped.since))
                .collect();
            let expected: Vec<_> = (0..30).map(|id| (id, ms(id))).collect();
            assert_eq!(all, expected, "{from:?}, then {to:?}");
            assert!(queue.is_empty());
        }
    }
}

#[test]
fn packets_come_out_in_their_order_or_flow_by_flow() {
    for to in ALL {
        let mut queue = filled(Discipline::DropTail, Overflow::Drop);
        queue.set(ms(30), setup(to));
        let mut ids = Vec::new();
        while let Some(popped) = queue.pop(ms(30), &mut |lost| panic!("{lost:?}")) {
            ids.push(popped.packet.id);
        }
        if let Discipline::FqCoDel(_) = to {
            // A quantum is a packet and a half, and what is over is paid back in the next turn.
            assert_eq!(ids[..12], [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
            // By flow, each in its own order.
            ids.sort_by_key(|id| id % 3);
            let flows = (0..3).flat_map(|flow| (flow..30).step_by(3));
            assert_eq!(ids, flows.collect::<Vec<u64>>());
            continue;
        }
        assert_eq!(ids, (0..30).collect::<Vec<u64>>(), "{to:?}");
    }
}

#[test]
fn flows_keep_their_order_when_they_are_spread_anew() {
    let mut queue = filled(Discipline::FqCoDel(FqCoDel::DEFAULT), Overflow::Drop);
    let one = NonZeroU32::new(1).and_then(Flows::new).expect("one flow");
    queue.set(
        ms(30),
        setup(Discipline::FqCoDel(FqCoDel {
            flows: one,
            ..FqCoDel::DEFAULT
        })),
    );
    for id in 0..30 {
        let popped = queue.pop(ms(30), &mut |lost| panic!("{lost:?}"));
        assert_eq!(popped.map(|popped| popped.packet.id), Some(id));
    }
}

/// CoDel in the middle of dropping goes on at once, with its new interval.
#[test]
fn a_discipline_that_stays_goes_on() {
    let busy = |codel: CoDel| {
        let mut queue = queue(setup(Discipline::CoDel(CoDel::DEFAULT)), Overflow::Drop);
        let mut line = Line::new(Rate::kbit(10_000));
        let mut log = Log::new();
        for id in 0..2_000u64 {
            if id == 1_000 {
                queue.set(ms(500), setup(Discipline::CoDel(codel)));
                log.clear();
            }
            line.push(ms(id) / 2, Item::plain(id, 1_250), &mut queue, &mut log);
        }
        log.iter()
            .filter(|entry| matches!(entry.fate, Fate::Lost(_)))
            .count()
    };
    let same = busy(CoDel::DEFAULT);
    let faster = busy(CoDel {
        interval: Latency::millis(10),
        ..CoDel::DEFAULT
    });
    assert!(same >= 15, "{same}");
    assert!(faster > 5 * same, "{faster} and {same}");
}

#[test]
fn a_lower_limit_drops_nothing_that_waits() {
    for discipline in ALL {
        let mut queue = filled(discipline, Overflow::Drop);
        queue.set(
            ms(30),
            Setup {
                limit: QueueLimit::Packets(10),
                ..setup(discipline)
            },
        );
        assert_eq!(queue.load().packets, 30, "{discipline:?}");
        // And what comes next does not make it longer.
        let _ = queue.push(ms(31), Item::of_flow(30, 1_000, 0), Load::NONE, &mut |_| ());
        assert!(queue.load().packets <= 30, "{discipline:?}");
        assert!(queue.load().packets >= 25, "{discipline:?}");
    }
}

#[test]
fn what_was_said_of_a_packet_is_not_forgotten() {
    let mut queue = queue(setup(Discipline::Red(Red::DEFAULT)), Overflow::PushBack);
    let tight = Red {
        min: Some(wharf_link::Size::from_bytes(1)),
        max: Some(wharf_link::Size::from_bytes(2)),
        ..Red::DEFAULT
    };
    queue.set(ms(0), setup(Discipline::Red(tight)));
    for id in 0..3 {
        let _ = queue.push(ms(0), Item::plain(id, 1_000), Load::NONE, &mut |_| ());
    }
    queue.set(ms(1), setup(Discipline::DropTail));
    let verdicts: Vec<_> = queue.drain().map(|popped| popped.verdict).collect();
    assert_eq!(verdicts, [Verdict::Forward, Verdict::Drop, Verdict::Drop]);
}
