//! What was dropped inside is given back where it was asked for.

use std::collections::BTreeSet;
use std::time::Duration;

use wharf_link::{Cause, Machine, Offer, Overflow, Seed};

use crate::{Piece, conditions, ms};

/// Offers twice what the link carries, and accounts for each packet: refused, arrived, or given back.
#[track_caller]
fn check(discipline: &str, causes: &[Cause]) {
    let written = [
        ("rate", "10mbit"),
        ("latency", "5ms"),
        ("queue", "100packets"),
        ("discipline", discipline),
    ];
    let mut machine = Machine::new(conditions(&written), Seed(5), Overflow::Drop);
    machine.keep_dropped();
    let (mut refused, mut arrived, mut inside) = (0, 0, BTreeSet::new());
    let mut since_last = Duration::ZERO;
    for id in 0..6_000_u64 {
        // 1000 bytes each 400 µs are 20 Mbit/s; the last third of the time nothing comes.
        let now = Duration::from_micros(id * 400);
        if id < 4_000 {
            refused += usize::from(machine.offer(now, Piece { id, len: 1_000 }) != Offer::Accepted);
        }
        let mut take = |machine: &mut Machine<Piece>| {
            while let Some(dropped) = machine.take_dropped() {
                assert!(causes.contains(&dropped.cause), "{discipline}");
                assert_eq!(
                    dropped.since,
                    Duration::from_micros(dropped.packet.id * 400),
                    "{discipline}"
                );
                assert!(
                    dropped.since <= dropped.time && dropped.time <= now,
                    "{discipline}"
                );
                assert!(since_last <= dropped.time, "in the order in which it was dropped");
                since_last = dropped.time;
                assert!(inside.insert(dropped.packet.id), "once");
            }
        };
        take(&mut machine);
        while machine.poll(now).is_some() {
            arrived += 1;
            take(&mut machine);
        }
        take(&mut machine);
    }
    let counters = machine.counters();
    assert!(machine.is_empty());
    assert_eq!(inside.len() as u64, counters.dropped_inside, "{discipline}");
    assert_eq!(refused + arrived + inside.len(), 4_000, "{discipline}");
    assert!(inside.len() > 20, "{discipline}: {}", inside.len());
}

#[test]
fn each_packet_is_accounted_for() {
    check("drop-head", &[Cause::Queue]);
    check("codel", &[Cause::Aqm]);
    check("fq-codel", &[Cause::Queue, Cause::Aqm]);
}

#[test]
fn what_nobody_asked_for_is_let_go_of() {
    let written = [
        ("rate", "10mbit"),
        ("queue", "10packets"),
        ("discipline", "drop-head"),
    ];
    let mut machine = Machine::new(conditions(&written), Seed(5), Overflow::Drop);
    for id in 0..100 {
        let _ = machine.offer(ms(0), Piece { id, len: 1_000 });
    }
    assert_eq!(machine.counters().dropped_inside, 90);
    assert_eq!(machine.queued().packets, 10);
    assert_eq!(machine.take_dropped(), None);
    // Those that come later are given back, the longest waiting first: one that is on the line is out of reach.
    machine.keep_dropped();
    for id in 100..103 {
        let _ = machine.offer(ms(0), Piece { id, len: 1_000 });
    }
    let dropped: Vec<u64> = std::iter::from_fn(|| machine.take_dropped())
        .map(|drop| drop.packet.id)
        .collect();
    assert_eq!(dropped, [91, 92, 93]);
}

#[test]
fn what_is_never_taken_is_bounded() {
    let written = [
        ("rate", "10mbit"),
        ("queue", "2packets"),
        ("discipline", "drop-head"),
    ];
    let mut machine = Machine::new(conditions(&written), Seed(5), Overflow::Drop);
    machine.keep_dropped();
    for id in 0..70_000 {
        let _ = machine.offer(ms(0), Piece { id, len: 1_000 });
    }
    assert_eq!(machine.counters().dropped_inside, 69_998);
    assert_eq!(std::iter::from_fn(|| machine.take_dropped()).count(), 1 << 16);
}
