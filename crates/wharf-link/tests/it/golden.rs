//! Golden streams: same seed, same offers, same deliveries, on every platform, for ever.

use std::fmt::Write;
use std::time::Duration;

use wharf_link::{Conditions, Jitter, Latency, Machine, Offer, Overflow, Rate, Seed};

use crate::{Piece, conditions, drain, ms, put};

fn stream(jitter: &Jitter, seed: Seed) -> String {
    let conditions = Conditions {
        latency: Latency::millis(30),
        jitter: Some(jitter.clone()),
        rate: Some(Rate::kbit(3_000)),
        ..Conditions::CLEAR
    };
    let mut machine: Machine<Piece> = Machine::new(conditions, seed, Overflow::Drop);
    for id in 0..24 {
        let len = [1_448, 64, 700, 0][id as usize % 4];
        put(&mut machine, Duration::from_micros(id * 6_500), id, len);
    }
    let mut text = String::new();
    for (time, id) in drain(&mut machine) {
        writeln!(text, "{id:>2} {:>9} ns", time.as_nanos()).expect("a string takes it");
    }
    text
}

#[test]
fn uniform() {
    let seed = Seed(62_893).derive("web -> api").derive("up");
    insta::assert_snapshot!(stream(&Jitter::uniform(ms(10)), seed));
}

#[test]
fn normal() {
    let seed = Seed(62_893).derive("web -> api").derive("up");
    insta::assert_snapshot!(stream(&Jitter::normal(ms(10)), seed));
}

/// Everything at once: who is lost, who is late, who is damaged, and who overtakes.
#[test]
fn the_whole_pipeline() {
    let written = [
        ("outage", "on 200ms off 30ms random"),
        ("mtu", "1400"),
        ("loss", "gilbert-elliott 5% 30%"),
        ("corrupt", "10%"),
        ("duplicate", "10%"),
        ("discipline", "codel ecn"),
        ("rate", "2mbit"),
        ("burst", "3kB"),
        ("overhead", "38B"),
        ("latency", "30ms"),
        ("jitter", "8ms pareto-normal correlation 40% order free"),
        ("reorder", "10%"),
    ];
    let seed = Seed(62_893).derive("web -> api").derive("up");
    let mut machine: Machine<Piece> = Machine::new(conditions(&written), seed, Overflow::Drop);
    let mut text = String::new();
    for id in 0..80 {
        let len = [1_400, 64, 700, 1_448][id as usize % 4];
        let now = Duration::from_micros(id * 4_700);
        match machine.offer(now, Piece { id, len }) {
            Offer::Accepted => {}
            Offer::Dropped(piece, cause) => {
                writeln!(text, "{:>2} dropped: {cause:?}", piece.id).expect("a string takes it");
            }
            other => writeln!(text, "{other:?}").expect("a string takes it"),
        }
    }
    while let Some(next) = machine.next_wakeup() {
        while let Some(delivery) = machine.poll(next) {
            let (id, time) = (delivery.packet.id, delivery.ideal_time.as_nanos());
            let twice = if delivery.duplicate { " twice" } else { "" };
            let bit = delivery
                .corrupt
                .map_or(String::new(), |bit| format!(" bit {bit}"));
            writeln!(text, "{id:>2} {time:>9} ns{twice}{bit}").expect("a string takes it");
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_shape_of_jitter() {
    let seed = Seed(62_893).derive("web -> api").derive("up");
    for shape in [
        "pareto",
        "pareto-normal",
        "normal correlation 60%",
        "uniform correlation 60%",
    ] {
        let jitter = format!("10ms {shape}").parse().expect("a jitter");
        insta::assert_snapshot!(shape.replace(' ', "-").replace('%', ""), stream(&jitter, seed));
    }
}

#[test]
fn another_seed_or_direction_is_another_stream() {
    let jitter = Jitter::uniform(ms(10));
    let up = stream(&jitter, Seed(1).derive("up"));
    assert_eq!(up, stream(&jitter, Seed(1).derive("up")));
    assert_ne!(up, stream(&jitter, Seed(1).derive("down")));
    assert_ne!(up, stream(&jitter, Seed(2).derive("up")));
}
