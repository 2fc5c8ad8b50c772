//! A rate with a burst and with overheads, and machines that share a segment.

use std::time::Duration;

use wharf_link::{Machine, Offer, Overflow, QueueLimit, Rate, Seed};

use crate::{Piece, conditions, drain, machine, ms, put};

#[test]
fn a_burst_passes_at_once_and_then_the_rate_holds() {
    let written = [("rate", "1mbit"), ("burst", "2500B")];
    let mut machine = machine(conditions(&written), Overflow::Drop);
    for id in 0..5 {
        put(&mut machine, ms(0), id, 1_250);
    }
    let expected = [(ms(0), 0), (ms(0), 1), (ms(10), 2), (ms(20), 3), (ms(30), 4)];
    assert_eq!(drain(&mut machine), expected);
    // 10 ms of rest are one packet's worth.
    put(&mut machine, ms(40), 5, 1_250);
    put(&mut machine, ms(40), 6, 1_250);
    assert_eq!(drain(&mut machine), [(ms(40), 5), (ms(50), 6)]);
}

/// In no window of any width passes more than the rate's share, the burst and a packet.
#[test]
fn no_window_has_more_than_the_rate_the_burst_and_a_packet() {
    let written = [("rate", "3mbit"), ("burst", "20kB")];
    let mut conditions = conditions(&written);
    conditions.queue = Some(QueueLimit::Packets(u32::MAX));
    let rate = conditions.rate.map_or(0.0, |rate: Rate| rate.bits() as f64 / 8.0);
    let mut machine = machine(conditions, Overflow::Drop);
    // Bursts of all sizes, with pauses between.
    let mut now = Duration::ZERO;
    for id in 0..20_000u64 {
        put(&mut machine, now, id, 200 + (id * 37 % 1_200) as usize);
        if id % 40 == 0 {
            now += Duration::from_millis(id % 97);
        }
    }
    let lens = |id: u64| 200.0 + (id * 37 % 1_200) as f64;
    let arrived = drain(&mut machine);
    for width in [10, 100, 1_000, 10_000].map(ms) {
        let (mut end, mut bytes) = (0, 0.0);
        for (from, id) in &arrived {
            while let Some((time, id)) = arrived.get(end).filter(|(time, _)| *time < *from + width) {
                assert!(time >= from);
                bytes += lens(*id);
                end += 1;
            }
            let most = rate * width.as_secs_f64() + 20_000.0 + 1_400.0;
            assert!(bytes <= most, "{bytes} in {width:?} from {from:?}, not {most}");
            bytes -= lens(*id);
        }
    }
}

#[test]
fn overheads_are_sent_too() {
    // 1212 + 38 bytes at 1 Mbit/s; and 53 bytes a cell of 48: 100 + 18 bytes are 3 cells, 159 bytes.
    let mut ethernet = machine(
        conditions(&[("rate", "1mbit"), ("overhead", "38B")]),
        Overflow::Drop,
    );
    put(&mut ethernet, ms(0), 0, 1_212);
    assert_eq!(drain(&mut ethernet), [(ms(10), 0)]);
    let written = [("rate", "1272kbit"), ("overhead", "18B cell 48B header 5B")];
    let mut atm = machine(conditions(&written), Overflow::Drop);
    put(&mut atm, ms(0), 0, 100);
    put(&mut atm, ms(0), 1, 0);
    assert_eq!(drain(&mut atm), [(ms(1), 0), (ms(1), 1)]);
}

#[test]
fn both_of_a_pair_are_sent() {
    let written = [("rate", "1mbit"), ("duplicate", "100%")];
    let mut machine = machine(conditions(&written), Overflow::Drop);
    put(&mut machine, ms(0), 0, 1_250);
    assert_eq!(drain(&mut machine), [(ms(20), 0)]);
}

#[test]
fn delays_are_counted_under_their_causes() {
    let written = [("rate", "1mbit"), ("latency", "30ms"), ("jitter", "10ms normal")];
    let mut machine = machine(conditions(&written), Overflow::Drop);
    for id in 0..50 {
        put(&mut machine, ms(0), id, 1_250);
    }
    let arrived = drain(&mut machine);
    let total: Duration = arrived.iter().map(|(time, _)| *time).sum();
    let counters = machine.counters();
    assert_eq!(counters.in_serialisation, ms(500));
    assert_eq!(counters.in_queue, (0..50).map(|n| ms(n * 10)).sum());
    assert_eq!(counters.in_propagation, ms(1_500));
    assert!(!counters.late_by_jitter.is_zero() && !counters.early_by_jitter.is_zero());
    let sum = counters.in_queue + counters.in_serialisation + counters.in_propagation;
    assert_eq!(sum + counters.late_by_jitter - counters.early_by_jitter, total);
}

#[test]
fn two_links_share_a_segment_by_ideal_times() {
    let run = |late: Duration| {
        let mut links =
            ["20ms", "23ms"].map(|latency| machine(conditions(&[("latency", latency)]), Overflow::Drop));
        let mut segment = Machine::new(conditions(&[("rate", "1mbit")]), Seed(3), Overflow::Drop);
        for id in 0..20 {
            for (nth, link) in (0..).zip(&mut links) {
                put(link, ms(id * 30), id * 2 + nth, 1_250);
            }
        }
        let mut arrived = Vec::new();
        loop {
            let all = links.iter().chain([&segment]);
            let Some(due) = all.filter_map(Machine::next_wakeup).min() else {
                break;
            };
            let now = due + late;
            // What has left the links first, in the order in which it did.
            let due_of = |link: &&mut Machine<Piece>| link.next_wakeup().filter(|due| *due <= now);
            while let Some(link) = links
                .iter_mut()
                .filter(|link| due_of(link).is_some())
                .min_by_key(due_of)
            {
                let due = link.next_wakeup().expect("it has something due");
                let delivery = link.poll(due).expect("a wake-up brings a packet");
                let offered = segment.offer(delivery.ideal_time, delivery.packet);
                assert_eq!(offered, Offer::Accepted);
            }
            while let Some(delivery) = segment.poll(now) {
                arrived.push((delivery.ideal_time, delivery.packet.id));
            }
        }
        arrived
    };
    let on_time = run(Duration::ZERO);
    // The first's packet takes 10 ms, the other's waits 7 of them.
    assert_eq!(on_time[..4], [(ms(30), 0), (ms(40), 1), (ms(60), 2), (ms(70), 3)]);
    assert_eq!(run(ms(9)), on_time, "lateness does not add up");
}
