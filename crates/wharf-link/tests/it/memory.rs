//! Memory: none is asked for once a link runs, and none is kept without bound.

use std::time::Duration;

use wharf_link::{Conditions, Machine, Overflow, Seed};

use crate::{Piece, conditions};

/// Packets a quarter of a millisecond apart; those of a stream that are pushed back are left.
fn run(machine: &mut Machine<Piece>, from: u64, packets: u64) {
    for id in from..from + packets {
        let now = Duration::from_micros(id * 250);
        let _ = machine.offer(now, Piece { id, len: 1_000 });
        while machine.poll(now).is_some() {}
    }
}

#[track_caller]
fn check(conditions: &Conditions) {
    for overflow in [Overflow::Drop, Overflow::PushBack] {
        let mut machine = Machine::new(conditions.clone(), Seed(3), overflow);
        // Until its queues have their size.
        run(&mut machine, 0, 40_000);
        let asked = allocation_counter::measure(|| run(&mut machine, 40_000, 20_000));
        assert_eq!(asked.count_total, 0, "{conditions} {overflow:?}");
    }
}

#[test]
fn a_packet_asks_for_no_memory() {
    let impaired = &[
        ("loss", "1% burst 3"),
        ("corrupt", "1%"),
        ("duplicate", "1%"),
        ("latency", "20ms"),
        ("jitter", "5ms pareto-normal correlation 25%"),
        ("mtu", "1500"),
        ("outage", "on 280ms off 20ms random"),
    ];
    check(&Conditions::CLEAR);
    check(&conditions(&[("latency", "20ms")]));
    check(&conditions(impaired));
    for discipline in ["drop-tail", "drop-head", "red", "codel ecn", "pie", "fq-codel"] {
        let queue = [("rate", "30mbit"), ("burst", "5kB"), ("discipline", discipline)];
        check(&conditions(&queue));
    }
}

#[test]
fn what_overtakes_asks_for_no_memory_either() {
    check(&conditions(&[
        ("latency", "20ms"),
        ("jitter", "5ms order free"),
        ("reorder", "5%"),
    ]));
}

#[test]
fn a_reader_that_never_reads_is_bounded() {
    for written in [
        &[("latency", "10s")][..],
        &[("latency", "10s"), ("rate", "10mbit")],
    ] {
        let mut machine = Machine::new(conditions(written), Seed(3), Overflow::Drop);
        let most = allocation_counter::measure(|| {
            for id in 0..200_000 {
                let now = Duration::from_micros(id);
                let _ = machine.offer(now, Piece { id, len: 100 });
            }
        });
        assert!(most.bytes_max < 64 << 20, "{} bytes", most.bytes_max);
        assert!(machine.counters().accepted_bytes < 32 << 20);
    }
}
