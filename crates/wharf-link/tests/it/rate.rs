//! The rate, over every window, and the queue before it.

use std::time::Duration;

use wharf_link::{Cause, Conditions, Latency, Offer, Overflow, QueueLimit, Rate, Size};

use crate::{Piece, drain, machine, ms, put};

fn at(rate: &str, queue: Option<QueueLimit>) -> Conditions {
    Conditions {
        rate: Some(rate.parse().expect("a rate")),
        queue,
        ..Conditions::CLEAR
    }
}

/// Arrival times of packets from a sender that always has more, until `end`.
fn saturate(conditions: Conditions, len: usize, end: Duration) -> Vec<Duration> {
    let mut machine = machine(conditions, Overflow::PushBack);
    let mut arrived = Vec::new();
    let mut now = Duration::ZERO;
    while now < end {
        while machine.offer(now, Piece { id: 0, len }) == Offer::Accepted {}
        now = machine.next_wakeup().expect("the link is busy");
        while let Some(delivery) = machine.poll(now) {
            arrived.push(delivery.ideal_time);
        }
    }
    arrived
}

/// In every window of any of these widths, what arrives is the rate's share, give or take a packet.
#[track_caller]
fn check(rate: &str, len: usize) {
    let bits: Rate = rate.parse().expect("a rate");
    let arrived = saturate(at(rate, None), len, Duration::from_secs(21));
    for width in [10, 100, 1_000, 10_000].map(ms) {
        let share = bits.bits() as f64 * width.as_secs_f64() / 8.0 / len as f64;
        let mut end = 0;
        for (begin, &from) in arrived.iter().enumerate() {
            if from + width > Duration::from_secs(21) {
                break;
            }
            while arrived[end] < from + width {
                end += 1;
            }
            let packets = (end - begin) as f64;
            assert!(
                (packets - share).abs() <= 1.0 + share * 1e-9,
                "{rate}: {packets} packets in {width:?} from {from:?}, not {share}"
            );
        }
    }
}

#[test]
fn every_window_has_its_share() {
    check("500kbit", 1_448);
    check("10mbit", 1_448);
    check("10mbit", 64);
    // A rate at which no packet takes whole nanoseconds.
    check("33333331bit", 1_447);
}

#[test]
fn rounding_never_adds_up() {
    let rate = "7777777bit";
    let arrived = saturate(at(rate, None), 100, Duration::from_secs(100));
    let last = arrived.last().expect("packets arrived").as_nanos();
    let exact = arrived.len() as u128 * 800 * 1_000_000_000 / 7_777_777;
    assert!(last.abs_diff(exact) <= 1, "{last} is not {exact}");
}

#[test]
fn a_rate_comes_before_the_latency() {
    let conditions = Conditions {
        latency: Latency::millis(100),
        ..at("1mbit", None)
    };
    let mut machine = machine(conditions, Overflow::Drop);
    put(&mut machine, ms(0), 1, 1_250);
    put(&mut machine, ms(0), 2, 1_250);
    put(&mut machine, ms(200), 3, 1_250);
    let arrived = drain(&mut machine);
    assert_eq!(arrived, [(ms(110), 1), (ms(120), 2), (ms(310), 3)]);
}

#[test]
fn a_full_queue_drops_packets_and_says_why() {
    let queue = QueueLimit::Packets(3);
    let mut machine = machine(at("1mbit", Some(queue)), Overflow::Drop);
    for id in 0..3 {
        put(&mut machine, ms(0), id, 1_250);
    }
    let late = Piece { id: 3, len: 1_250 };
    let lost = Offer::Dropped(late, Cause::Queue);
    assert_eq!(machine.offer(ms(9), late), lost);
    // The first has left at 10 ms, which makes room for one.
    assert_eq!(machine.offer(ms(10), late), Offer::Accepted);
    assert_eq!(machine.offer(ms(10), late), lost);
    assert_eq!(machine.counters().dropped_by_queue, 2);
    assert_eq!(drain(&mut machine).len(), 4);
}

#[test]
fn an_empty_queue_takes_a_packet_of_any_length() {
    let queue = QueueLimit::Bytes(Size::from_bytes(4_000));
    let mut machine = machine(at("1mbit", Some(queue)), Overflow::PushBack);
    assert!(machine.has_room_for(65_160) && machine.room() == 4_000);
    put(&mut machine, ms(0), 0, 65_160);
    assert!(!machine.has_room_for(1_250));
}

#[test]
fn a_full_queue_of_bytes_pushes_a_stream_back() {
    let queue = QueueLimit::Bytes(Size::from_bytes(4_000));
    let mut machine = machine(at("1mbit", Some(queue)), Overflow::PushBack);
    assert_eq!(machine.room(), 4_000);
    put(&mut machine, ms(0), 0, 2_500);
    put(&mut machine, ms(0), 1, 1_250);
    assert_eq!(machine.room(), 250);
    let more = Piece { id: 2, len: 251 };
    assert_eq!(machine.offer(ms(0), more), Offer::Full(more));
    assert_eq!(machine.next_room(), Some(ms(20)));
    assert_eq!(machine.offer(ms(20), more), Offer::Accepted);
    assert_eq!(machine.room(), 4_000 - 1_250 - 251);
}

#[test]
fn a_packet_longer_than_the_queue_still_passes_an_empty_one() {
    let queue = QueueLimit::Bytes(Size::from_bytes(10));
    let mut machine = machine(at("1mbit", Some(queue)), Overflow::PushBack);
    put(&mut machine, ms(0), 0, 1_250);
    let more = Piece { id: 1, len: 1 };
    assert_eq!(machine.offer(ms(0), more), Offer::Full(more));
    assert_eq!(drain(&mut machine), [(ms(10), 0)]);
}

#[test]
fn the_default_queue_is_as_documented() {
    let limit = |rate, latency| {
        Conditions {
            latency: Latency::millis(latency),
            ..at(rate, None)
        }
        .queue_limit()
    };
    let bytes = |bytes| Some(QueueLimit::Bytes(Size::from_bytes(bytes)));
    assert_eq!(limit("1mbit", 0), bytes(64 * 1024));
    assert_eq!(limit("100mbit", 0), bytes(1_250_000));
    assert_eq!(limit("100mbit", 500), bytes(12_500_000));
    assert_eq!(Conditions::CLEAR.queue_limit(), None);
}

#[test]
fn a_link_without_a_rate_is_bounded_too() {
    let conditions = Conditions {
        latency: Latency::millis(1_000),
        ..Conditions::CLEAR
    };
    let mut machine = machine(conditions, Overflow::PushBack);
    let mut taken = 0;
    while machine.offer(ms(0), Piece { id: 0, len: 60_000 }) == Offer::Accepted {
        taken += 60_000;
        assert!(taken <= wharf_link::DELAY_LINE.bytes());
    }
    assert!(taken + 60_000 > wharf_link::DELAY_LINE.bytes());
    assert_eq!(machine.next_room(), Some(ms(1_000)));
}
