//! What each discipline is for, measured against theory.

use std::time::Duration;

use wharf_link::queue::{Load, Pushed, Queue, Setup, Verdict};
use wharf_link::{
    Cause, CoDel, Discipline, Ecn, FqCoDel, Overflow, Pie, Probability, QueueLimit, Rate, Red, Size,
};

use super::recordings::Arrival;
use super::senders::{self, Sender, Steady};
use super::{Entry, Fate, Item, play, queue, setup};
use crate::ms;

const UNTIL: Duration = Duration::from_secs(45);

/// Four TCP senders, half a minute and more.
fn with_senders(discipline: Discipline, ecn: bool) -> Steady {
    // Deep enough for a fifth of a second.
    let setup = Setup {
        limit: QueueLimit::Packets(200),
        ..setup(discipline)
    };
    let senders = [20, 40, 60, 80].map(|rtt| Sender { rtt: ms(rtt), ecn });
    let log = senders::run(&senders, setup.rate, UNTIL, &mut queue(setup, Overflow::Drop));
    senders::steady(&log, senders.len(), setup.rate, UNTIL)
}

#[track_caller]
fn within(what: &str, value: f64, low: f64, high: f64) {
    assert!(
        (low..=high).contains(&value),
        "{what}: {value} is not within {low} to {high}"
    );
}

/// Packets of one flow, evenly spaced.
fn steady_arrivals(every: Duration, count: u32) -> Vec<Arrival> {
    (0..count)
        .map(|index| Arrival {
            time: every * index,
            item: Item::plain(index.into(), 1_250),
        })
        .collect()
}

#[test]
fn drop_tail_lets_tcp_fill_the_queue() {
    let steady = with_senders(Discipline::DropTail, false);
    within("wait", steady.wait.as_secs_f64(), 0.100, 0.200);
    within("use", steady.used, 0.99, 1.0);
}

#[test]
fn drop_head_fills_the_queue_too() {
    let steady = with_senders(Discipline::DropHead, false);
    within("wait", steady.wait.as_secs_f64(), 0.100, 0.200);
    within("use", steady.used, 0.99, 1.0);
}

#[test]
fn codel_holds_the_wait_near_its_target() {
    for ecn in [Ecn::Drop, Ecn::Mark] {
        let codel = CoDel {
            ecn,
            ..CoDel::DEFAULT
        };
        let steady = with_senders(Discipline::CoDel(codel), ecn == Ecn::Mark);
        // The least wait of each interval is held at 5 ms; the mean is a few packets above it.
        within("wait", steady.wait.as_secs_f64(), 0.0025, 0.015);
        within("use", steady.used, 0.85, 1.0);
        assert_eq!(steady.marked > 0, ecn == Ecn::Mark);
        assert_eq!(steady.lost > 0, ecn == Ecn::Drop);
    }
}

/// Against packets that come whatever happens, the n-th drop is √n times as close behind the one
/// before as the first was: at intervals of interval/√1, interval/√2, and so on.
#[test]
fn codel_drops_faster_by_its_control_law() {
    let mut queue = queue(setup(Discipline::CoDel(CoDel::DEFAULT)), Overflow::Drop);
    let arrivals = steady_arrivals(Duration::from_micros(250), 20_000);
    let log = play(&arrivals, Rate::kbit(10_000), &mut queue);
    let drops = log.iter().filter(|entry| entry.fate == Fate::Lost(Cause::Aqm));
    let drops: Vec<f64> = drops.map(|entry| entry.time.as_secs_f64()).collect();
    assert!(drops.len() > 500, "{} drops", drops.len());
    // The third packet to leave (at 2 ms) has waited less than 5 ms, and so on: it takes until the
    // wait is 5 ms, and then an interval.
    within("first", drops[0], 0.106, 0.109);
    let mut due = drops[0];
    for (number, drop) in drops.iter().enumerate() {
        // A packet takes 1 ms, and drops are made between packets. Intervals are cut to whole
        // nanoseconds.
        within("drop", drop - due, -1e-5, 0.001);
        due += 0.1 / ((number + 1) as f64).sqrt();
    }
}

#[test]
fn codel_leaves_a_burst_alone() {
    let mut queue = queue(setup(Discipline::CoDel(CoDel::DEFAULT)), Overflow::Drop);
    let mut arrivals = steady_arrivals(Duration::ZERO, 90);
    let later = steady_arrivals(ms(2), 500).into_iter().map(|arrival| Arrival {
        time: arrival.time + ms(100),
        item: Item {
            id: 90 + arrival.item.id,
            ..arrival.item
        },
    });
    arrivals.extend(later);
    let log = play(&arrivals, Rate::kbit(10_000), &mut queue);
    assert!(log.iter().all(|entry| entry.fate == Fate::Sent(Verdict::Forward)));
}

#[test]
fn pie_brings_the_wait_to_its_target() {
    for ecn in [Ecn::Drop, Ecn::Mark] {
        let pie = Pie { ecn, ..Pie::DEFAULT };
        let steady = with_senders(Discipline::Pie(pie), ecn == Ecn::Mark);
        within("wait", steady.wait.as_secs_f64(), 0.010, 0.020);
        within("use", steady.used, 0.90, 1.0);
        assert_eq!(steady.marked > 0, ecn == Ecn::Mark);
    }
}

/// Against a load of 125% that does not yield, a fifth must go.
#[test]
fn pie_drops_as_much_as_is_too_much() {
    let mut queue = queue(setup(Discipline::Pie(Pie::DEFAULT)), Overflow::Drop);
    let log = play(
        &steady_arrivals(Duration::from_micros(800), 50_000),
        Rate::kbit(10_000),
        &mut queue,
    );
    let settled = log.iter().filter(|entry| entry.time > Duration::from_secs(10));
    let (sent, dropped): (Vec<&Entry>, Vec<&Entry>) =
        settled.partition(|entry| matches!(entry.fate, Fate::Sent(_)));
    let wait: f64 = sent.iter().map(|entry| entry.wait.as_secs_f64()).sum();
    within("wait", wait / sent.len() as f64, 0.0145, 0.0155);
    let share = dropped.len() as f64 / (sent.len() + dropped.len()) as f64;
    within("dropped", share, 0.198, 0.202);
}

#[test]
fn red_holds_the_queue_between_its_thresholds() {
    for ecn in [Ecn::Drop, Ecn::Mark] {
        let red = Red {
            min: Some(Size::from_bytes(10_000)),
            max: Some(Size::from_bytes(30_000)),
            ecn,
            ..Red::DEFAULT
        };
        let steady = with_senders(Discipline::Red(red), ecn == Ecn::Mark);
        // 10 kB take 8 ms and 30 kB take 24 ms. These senders need one loss in a hundred packets or
        // so, which is what they get a little above the lower threshold.
        within("wait", steady.wait.as_secs_f64(), 0.006, 0.016);
        within("use", steady.used, 0.85, 1.0);
        assert_eq!(steady.marked > 0, ecn == Ecn::Mark);
    }
}

/// The gaps between the packets that RED hits while its average stands at `bytes`.
///
/// One packet of so many bytes waits for good. Those that follow have none, so that the average
/// comes to `bytes` and stays there.
fn red_gaps(bytes: usize) -> Vec<u64> {
    const SETTLED: u64 = 5_000;
    let red = Red {
        min: Some(Size::from_bytes(10_000)),
        max: Some(Size::from_bytes(30_000)),
        probability: Probability::from_parts_per_billion(20_000_000).expect("2%"),
        ecn: Ecn::Drop,
    };
    let limit = QueueLimit::Packets(1_000_000);
    let mut queue: Queue<Item> = queue(
        Setup {
            limit,
            ..setup(Discipline::Red(red))
        },
        Overflow::Drop,
    );
    let mut push = |id, len| {
        let pushed = queue.push(ms(0), Item::plain(id, len), Load::NONE, &mut |_| ());
        pushed != Pushed::Queued
    };
    assert!(!push(0, bytes));
    let hits: Vec<u64> = (1..100_000)
        .filter(|&id| push(id, 0))
        .filter(|id| *id > SETTLED)
        .collect();
    hits.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn red_hits_one_in_so_many() {
    // Half way, one in a hundred; and the gap between two is any from 1 to 100, each as likely.
    for (bytes, longest) in [
        (15_000, 200.0),
        (20_000, 100.0),
        (25_000, 200.0 / 3.0),
        (29_000, 1e3 / 19.0),
    ] {
        let gaps = red_gaps(bytes);
        let count = gaps.len() as f64;
        assert!(gaps.iter().all(|gap| *gap as f64 <= longest + 1.0));
        let mean = gaps.iter().sum::<u64>() as f64 / count;
        let deviation = longest / 12f64.sqrt() / count.sqrt();
        within(
            "mean gap",
            mean,
            longest / 2.0 - 4.0 * deviation,
            1.0 + longest / 2.0 + 4.0 * deviation,
        );
        // How many gaps are in the shorter half is binomial.
        let short = gaps.iter().filter(|gap| **gap as f64 <= longest / 2.0).count() as f64;
        let most = (longest / 2.0).floor() / longest.floor();
        let deviation = (count * most * (1.0 - most)).sqrt();
        within(
            "short gaps",
            short,
            count * most - 4.0 * deviation,
            count * most + 4.0 * deviation,
        );
    }
}

#[test]
fn red_hits_none_below_and_all_above() {
    assert!(red_gaps(9_999).is_empty());
    assert!(red_gaps(30_100).iter().all(|gap| *gap == 1));
    assert_eq!(red_gaps(30_100).len(), 100_000 - 5_000 - 2);
}

/// While the line is idle, the average falls as if packets of 1000 bytes found the queue empty, one
/// in 0.8 ms at this rate. With these thresholds a new sample weighs 1/16, so that it takes
/// ln 2 / ln (16/15) · 0.8 ms = 8.6 ms to fall by half, and 22.2 ms to a sixth.
#[test]
fn red_forgets_while_the_line_is_idle() {
    let red = Red {
        min: Some(Size::from_bytes(10_000)),
        max: Some(Size::from_bytes(30_000)),
        ..Red::DEFAULT
    };
    let mut queue: Queue<Item> = queue(setup(Discipline::Red(red)), Overflow::Drop);
    let mut ignore = |_| ();
    for id in 0..10_000 {
        let item = Item::plain(id, if id == 0 { 60_000 } else { 0 });
        let _ = queue.push(ms(0), item, Load::NONE, &mut ignore);
    }
    while queue.pop(ms(0), &mut ignore).is_some() {}
    let mut taken = Vec::new();
    for now in 1..100 {
        if queue.push(ms(now), Item::plain(now, 100), Load::NONE, &mut ignore) == Pushed::Queued {
            while queue.pop(ms(now), &mut ignore).is_some() {}
            taken.push(now);
        }
    }
    // All are refused as long as the average is above `max`, and none once it is below `min`.
    assert_eq!(taken.first(), Some(&9));
    assert!(taken.ends_with(&(23..100).collect::<Vec<u64>>()));
}

#[test]
fn fq_codel_holds_the_wait_near_its_target() {
    let steady = with_senders(Discipline::FqCoDel(FqCoDel::DEFAULT), false);
    within("wait", steady.wait.as_secs_f64(), 0.0025, 0.020);
    within("use", steady.used, 0.85, 1.0);
}
