//! Streams: nothing is dropped. What does not fit is refused, and what a discipline would have
//! dropped says so when its turn comes.

use std::time::Duration;

use wharf_link::queue::{Load, Lost, Popped, Pushed, Queue, Setup, Verdict};
use wharf_link::{Cause, CoDel, Discipline, Ecn, FqCoDel, Overflow, Pie, QueueLimit, Red, Size};

use super::{Item, queue, setup};
use crate::ms;

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is passed where packets are handed over"
)]
fn never(lost: Lost<Item>) {
    panic!("a stream lost {lost:?}");
}

fn all(ecn: Ecn) -> [Discipline; 6] {
    [
        Discipline::DropTail,
        Discipline::DropHead,
        Discipline::Red(Red { ecn, ..Red::DEFAULT }),
        Discipline::CoDel(CoDel {
            ecn,
            ..CoDel::DEFAULT
        }),
        Discipline::Pie(Pie { ecn, ..Pie::DEFAULT }),
        Discipline::FqCoDel(FqCoDel {
            ecn,
            ..FqCoDel::DEFAULT
        }),
    ]
}

#[test]
fn room_is_what_is_taken() {
    let limit = QueueLimit::Bytes(Size::from_bytes(4_000));
    for discipline in all(Ecn::Drop) {
        let mut queue = queue(
            Setup {
                limit,
                ..setup(discipline)
            },
            Overflow::PushBack,
        );
        assert_eq!(queue.room(Load::NONE), 4_000, "{discipline:?}");
        let line = Load {
            packets: 1,
            bytes: 1_000,
        };
        assert_eq!(queue.room(line), 3_000, "{discipline:?}");
        let first = Item::plain(0, 2_500);
        assert_eq!(queue.push(ms(0), first, line, &mut never), Pushed::Queued);
        assert_eq!(queue.room(line), 500, "{discipline:?}");
        let second = Item::plain(1, 501);
        let refused = Pushed::Refused(second, Cause::Queue);
        assert_eq!(queue.push(ms(0), second, line, &mut never), refused);
        // The end of a stream takes no room.
        assert_eq!(
            queue.push(ms(0), Item::plain(2, 0), line, &mut never),
            Pushed::Queued
        );
        assert_eq!(
            queue.load(),
            Load {
                packets: 2,
                bytes: 2_500
            }
        );
        // An idle link takes any one piece.
        while queue.pop(ms(1), &mut never).is_some() {}
        let long = Item::plain(3, 100_000);
        assert_eq!(queue.push(ms(1), long, Load::NONE, &mut never), Pushed::Queued);
    }
}

/// Keeps a queue of forty pieces for three seconds, a millisecond each, and counts what comes out.
fn verdicts(queue: &mut Queue<Item>, ecn: bool) -> [usize; 3] {
    let mut counts = [0; 3];
    let mut id = 0;
    for now in 0..3_000 {
        let (next, now) = (now, ms(now));
        while queue.load().packets < 40 {
            let item = Item {
                ecn,
                ..Item::plain(id, 1_250)
            };
            assert_eq!(queue.push(now, item, Load::NONE, &mut never), Pushed::Queued);
            id += 1;
        }
        let Popped { packet, verdict, .. } = queue.pop(now, &mut never).expect("forty wait");
        assert_eq!(packet.id, next, "all come out, in order");
        counts[match verdict {
            Verdict::Forward => 0,
            Verdict::Mark => 1,
            Verdict::Drop => 2,
        }] += 1;
    }
    counts
}

#[test]
fn a_discipline_speaks_to_the_model_of_the_sender() {
    for (index, discipline) in all(Ecn::Drop).into_iter().enumerate() {
        let limit = QueueLimit::Bytes(Size::from_bytes(100_000));
        let mut queue = queue(
            Setup {
                limit,
                ..setup(discipline)
            },
            Overflow::PushBack,
        );
        let [forward, mark, drop] = verdicts(&mut queue, true);
        assert_eq!(mark, 0, "{discipline:?}");
        assert_eq!(drop > 0, index >= 2, "{discipline:?}");
        assert_eq!(forward + drop, 3_000);
    }
}

#[test]
fn marks_are_marks_to_a_stream_too() {
    for discipline in all(Ecn::Mark).into_iter().skip(2) {
        let limit = QueueLimit::Bytes(Size::from_bytes(100_000));
        let mut queue = queue(
            Setup {
                limit,
                ..setup(discipline)
            },
            Overflow::PushBack,
        );
        let [forward, mark, drop] = verdicts(&mut queue, true);
        // PIE marks while its probability is below 10%, and drops from there on.
        let drops = matches!(discipline, Discipline::Pie(_));
        assert!(mark > 0, "{discipline:?}");
        assert_eq!(drop > 0, drops, "{discipline:?}");
        assert_eq!(forward + mark + drop, 3_000);
    }
}

/// One in each interval/√n, as where it drops.
#[test]
fn codel_signals_at_the_same_rate_as_it_drops() {
    let mut queue = queue(setup(Discipline::CoDel(CoDel::DEFAULT)), Overflow::PushBack);
    let [_, _, drops] = verdicts(&mut queue, false);
    let mut due = Duration::from_millis(106);
    let mut expected = 0;
    while due < ms(3_000) {
        expected += 1;
        due += Duration::from_secs_f64(0.1 / f64::from(expected).sqrt());
    }
    assert!(
        drops.abs_diff(expected as usize) <= 2,
        "{drops} signals, not {expected}"
    );
}

/// Two long pieces that wait are a standing queue, though one of them is left behind the other.
#[test]
fn a_piece_of_a_stream_is_many_packets() {
    let mut queue = queue(setup(Discipline::CoDel(CoDel::DEFAULT)), Overflow::PushBack);
    let mut signals = 0;
    for id in 0..100 {
        let item = Item::plain(id, 60_000);
        assert_eq!(
            queue.push(ms(48 * id), item, Load::NONE, &mut never),
            Pushed::Queued
        );
        if id >= 2 {
            let popped = queue.pop(ms(48 * id), &mut never).expect("three wait");
            signals += u32::from(popped.verdict == Verdict::Drop);
        }
    }
    assert!(signals > 20, "{signals}");
}

/// A stream that was cut for a while goes on as if it had not been.
#[test]
fn time_that_stood_still_has_not_passed() {
    for discipline in all(Ecn::Drop) {
        let run = |pause: Duration| {
            let limit = QueueLimit::Bytes(Size::from_bytes(100_000));
            let mut queue = queue(
                Setup {
                    limit,
                    ..setup(discipline)
                },
                Overflow::PushBack,
            );
            let mut story = Vec::new();
            let mut later = Duration::ZERO;
            for step in 0..4_000 {
                // More than passes, then less, then more again.
                if step / 200 % 2 == 0 || step % 3 == 0 {
                    let item = Item::of_flow(step, 1_250, step % 3);
                    let pushed = queue.push(ms(step) + later, item, Load::NONE, &mut never);
                    story.push((step, format!("{pushed:?}")));
                }
                // And now and then, all at once.
                let turns = match step {
                    _ if step % 200 == 149 => 100,
                    _ => step % 2,
                };
                for _ in 0..turns {
                    let popped = queue.pop(ms(step) + later, &mut never);
                    let popped = popped.map(|popped| (popped.packet.id, popped.verdict));
                    story.push((step, format!("{popped:?}")));
                }
                if step % 50 == 49 {
                    queue.shift(pause);
                    later += pause;
                }
            }
            story
        };
        assert_eq!(run(Duration::ZERO), run(Duration::from_secs(7)), "{discipline:?}");
    }
}

#[test]
fn what_takes_no_bytes_is_never_lost() {
    let red = Red {
        min: Some(Size::from_bytes(1)),
        max: Some(Size::from_bytes(2)),
        ..Red::DEFAULT
    };
    let mut queue = queue(setup(Discipline::Red(red)), Overflow::PushBack);
    for id in 0..50 {
        let item = Item::plain(id, if id % 2 == 0 { 1_000 } else { 0 });
        assert_eq!(queue.push(ms(0), item, Load::NONE, &mut never), Pushed::Queued);
    }
    for popped in queue.drain() {
        assert_eq!(
            popped.verdict == Verdict::Drop,
            popped.packet.id > 0 && popped.packet.len > 0
        );
    }
}
