//! Golden streams: same seed, same offers, same deliveries, on every platform, for ever.

use std::fmt::Write;
use std::time::Duration;

use wharf_link::{Conditions, Jitter, Latency, Machine, Overflow, Rate, Seed};

use crate::{Piece, drain, ms, put};

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

#[test]
fn another_seed_or_direction_is_another_stream() {
    let jitter = Jitter::uniform(ms(10));
    let up = stream(&jitter, Seed(1).derive("up"));
    assert_eq!(up, stream(&jitter, Seed(1).derive("up")));
    assert_ne!(up, stream(&jitter, Seed(1).derive("down")));
    assert_ne!(up, stream(&jitter, Seed(2).derive("up")));
}
