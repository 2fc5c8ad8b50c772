//! Outages: packets are dropped while the link is off, streams are held as by a cut.

use std::time::Duration;

use wharf_link::{Cause, Machine, Offer, Overflow, Seed};

use crate::{Piece, conditions, drain, ms, put};

fn offer(machine: &mut Machine<Piece>, now: Duration) -> bool {
    match machine.offer(now, Piece { id: 0, len: 100 }) {
        Offer::Accepted => true,
        Offer::Dropped(_, Cause::Outage) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_periodic_outage_is_exact() {
    let written = [("outage", "on 28ms off 2ms")];
    let mut machine = Machine::new(conditions(&written), Seed(1), Overflow::Drop);
    for at in (0..2_000).map(|half| ms(half) / 2) {
        let is_on = at.as_nanos() % 30_000_000 < 28_000_000;
        assert_eq!(offer(&mut machine, at), is_on, "{at:?}");
        while machine.poll(at).is_some() {}
    }
}

#[test]
fn random_turns_have_their_means_and_are_exponential() {
    let written = [("outage", "on 50ms off 10ms random")];
    let mut machine = Machine::new(conditions(&written), Seed(1), Overflow::Drop);
    let step = Duration::from_micros(100);
    let states: Vec<bool> = (0..2_000_000u32)
        .map(|n| {
            let on = offer(&mut machine, step * n);
            while machine.poll(step * n).is_some() {}
            on
        })
        .collect();
    let share = states.iter().filter(|on| **on).count() as f64 / states.len() as f64;
    assert!((share - 5.0 / 6.0).abs() < 0.01, "{share}");
    for (state, mean) in [(true, 500.0), (false, 100.0)] {
        let turns: Vec<f64> = states
            .chunk_by(|a, b| a == b)
            .filter(|turn| turn[0] == state)
            .map(|turn| turn.len() as f64)
            .collect();
        let measured = turns.iter().sum::<f64>() / turns.len() as f64;
        assert!(
            (measured / mean - 1.0).abs() < 4.5 / (turns.len() as f64).sqrt(),
            "{measured}"
        );
        // Exponential: e⁻¹ of them are longer than the mean.
        let longer = turns.iter().filter(|turn| **turn > mean).count() as f64 / turns.len() as f64;
        assert!((longer - 1.0 / std::f64::consts::E).abs() < 0.04, "{longer}");
    }
}

#[test]
fn a_random_schedule_is_the_same_however_it_is_asked_about() {
    let written = [("outage", "on 5ms off 5ms random")];
    let new = || Machine::new(conditions(&written), Seed(3), Overflow::Drop);
    let mut often = new();
    let state = |machine: &mut Machine<Piece>, at| {
        let on = offer(machine, at);
        while machine.poll(at).is_some() {}
        on
    };
    let often: Vec<bool> = (0..20_000).map(|n| state(&mut often, ms(n))).collect();
    for n in (0..20_000).step_by(997) {
        assert_eq!(state(&mut new(), ms(n)), often[n as usize]);
    }
}

#[test]
fn a_stream_is_held() {
    let written = [
        ("outage", "on 20ms off 100ms"),
        ("rate", "1mbit"),
        ("latency", "5ms"),
    ];
    let mut machine = Machine::new(conditions(&written), Seed(1), Overflow::PushBack);
    for id in 0..3 {
        put(&mut machine, ms(0), id, 1_250);
    }
    // At 20 ms the link goes: 0 has arrived at 15, 1 has just left and 2 waits.
    let more = Piece { id: 3, len: 10 };
    assert_eq!(machine.offer(ms(30), more), Offer::Full(more));
    assert_eq!((machine.room(), machine.next_room()), (0, Some(ms(120))));
    assert_eq!(drain(&mut machine), [(ms(15), 0), (ms(125), 1), (ms(135), 2)]);
    assert_eq!(machine.offer(ms(140), more), Offer::Full(more));
    assert_eq!(machine.offer(ms(240), more), Offer::Accepted);
}

#[test]
fn a_held_stream_is_held_by_a_cut_too() {
    let written = [("outage", "on 20ms off 10ms"), ("latency", "15ms")];
    let mut machine = Machine::new(conditions(&written), Seed(1), Overflow::PushBack);
    put(&mut machine, ms(0), 0, 100);
    machine.cut(ms(10));
    machine.heal(ms(20));
    // It would arrive at 25, when the link is off.
    assert_eq!(drain(&mut machine), [(ms(30), 0)]);
}
