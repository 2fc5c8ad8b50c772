//! Cuts: packets are dropped at the entrance, streams are held.

use wharf_link::{Cause, Conditions, Latency, Offer, Overflow, Rate};

use crate::{Piece, drain, machine, ms, put};

fn conditions() -> Conditions {
    Conditions {
        latency: Latency::millis(50),
        rate: Some(Rate::kbit(1_000)),
        ..Conditions::CLEAR
    }
}

#[test]
fn packets_are_dropped_at_the_entrance_and_those_past_it_arrive() {
    let mut machine = machine(conditions(), Overflow::Drop);
    put(&mut machine, ms(0), 0, 1_250);
    machine.cut(ms(5));
    let late = Piece { id: 1, len: 1_250 };
    assert_eq!(machine.offer(ms(6), late), Offer::Dropped(late, Cause::Cut));
    assert_eq!(drain(&mut machine), [(ms(60), 0)]);
    machine.heal(ms(100));
    put(&mut machine, ms(100), 2, 1_250);
    assert_eq!(drain(&mut machine), [(ms(160), 2)]);
    assert_eq!(machine.counters().dropped_by_cut, 1);
}

#[test]
fn a_stream_is_held_and_goes_on_where_it_stood() {
    let mut machine = machine(conditions(), Overflow::PushBack);
    put(&mut machine, ms(0), 0, 1_250);
    put(&mut machine, ms(40), 1, 1_250);
    put(&mut machine, ms(40), 2, 1_250);
    // At the cut 0 is in flight until 60, 1 is half sent and 2 waits.
    machine.cut(ms(45));
    let late = Piece { id: 3, len: 1_250 };
    assert_eq!(machine.offer(ms(46), late), Offer::Full(late));
    assert_eq!(machine.room(), 0);
    assert_eq!(machine.next_wakeup(), None);
    assert_eq!(machine.next_room(), None);
    assert_eq!(machine.poll(ms(1_000)), None);
    machine.heal(ms(1_045));
    assert_eq!(
        drain(&mut machine),
        [(ms(1_060), 0), (ms(1_100), 1), (ms(1_110), 2)]
    );
}

#[test]
fn what_had_arrived_before_the_cut_is_not_held() {
    let mut machine = machine(conditions(), Overflow::PushBack);
    put(&mut machine, ms(0), 0, 1_250);
    machine.cut(ms(60));
    let delivery = machine.poll(ms(500)).expect("it arrived at the cut");
    assert_eq!(delivery.ideal_time, ms(60));
}

#[test]
fn cutting_twice_is_cutting_once() {
    let mut machine = machine(conditions(), Overflow::PushBack);
    put(&mut machine, ms(0), 0, 1_250);
    machine.cut(ms(10));
    machine.cut(ms(30));
    machine.heal(ms(110));
    machine.heal(ms(120));
    assert_eq!(drain(&mut machine), [(ms(160), 0)]);
}

#[test]
fn conditions_changed_during_a_cut_hold_after_it() {
    let mut machine = machine(conditions(), Overflow::PushBack);
    put(&mut machine, ms(0), 0, 1_250);
    machine.cut(ms(5));
    let faster = Conditions {
        rate: Some(Rate::kbit(5_000)),
        ..conditions()
    };
    machine.set_conditions(ms(50), faster);
    machine.heal(ms(105));
    // Half a packet is left: 1 ms at five times the rate, then 50 ms of latency.
    assert_eq!(drain(&mut machine), [(ms(156), 0)]);
}
