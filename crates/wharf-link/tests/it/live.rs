//! Conditions that change while packets are under way.

use wharf_link::{Conditions, Jitter, Latency, Overflow, Rate};

use crate::{drain, machine, ms, put};

fn latency(millis: u32) -> Conditions {
    Conditions {
        latency: Latency::millis(millis),
        ..Conditions::CLEAR
    }
}

fn rate(kbit: u32) -> Conditions {
    Conditions {
        rate: Some(Rate::kbit(kbit)),
        ..Conditions::CLEAR
    }
}

#[test]
fn what_is_in_flight_keeps_its_time_and_is_not_overtaken() {
    let mut machine = machine(latency(100), Overflow::Drop);
    put(&mut machine, ms(0), 0, 100);
    machine.set_conditions(ms(10), latency(5));
    put(&mut machine, ms(10), 1, 100);
    put(&mut machine, ms(96), 2, 100);
    assert_eq!(drain(&mut machine), [(ms(100), 0), (ms(100), 1), (ms(101), 2)]);
}

#[test]
fn the_packet_being_sent_finishes_at_the_new_rate() {
    let mut machine = machine(rate(1_000), Overflow::Drop);
    put(&mut machine, ms(0), 0, 1_250);
    put(&mut machine, ms(0), 1, 1_250);
    // Half of the first has gone in 5 ms; the other half takes 10 ms at half the rate.
    machine.set_conditions(ms(5), rate(500));
    assert_eq!(drain(&mut machine), [(ms(15), 0), (ms(35), 1)]);
}

#[test]
fn without_a_rate_the_queue_leaves_at_once() {
    let mut machine = machine(rate(1_000), Overflow::PushBack);
    for id in 0..10 {
        put(&mut machine, ms(0), id, 1_250);
    }
    machine.set_conditions(ms(25), latency(7));
    let arrived = drain(&mut machine);
    assert_eq!(arrived[..2], [(ms(10), 0), (ms(20), 1)]);
    assert!(arrived[2..].iter().all(|&(time, _)| time == ms(32)));
    assert_eq!(arrived.len(), 10);
    assert!(!machine.is_transparent());
    machine.set_conditions(ms(40), Conditions::CLEAR);
    assert!(machine.is_transparent());
}

#[test]
fn jitter_of_nothing_is_clear() {
    let conditions = Conditions {
        jitter: Some(Jitter::uniform(ms(0))),
        ..Conditions::CLEAR
    };
    assert!(conditions.is_clear());
    assert!(machine(conditions, Overflow::Drop).is_transparent());
}
