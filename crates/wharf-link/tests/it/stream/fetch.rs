//! What a fetch takes, against what the kernel's own TCP took over the same link.
//!
//! The medians were measured in a lab (`cargo bench -p wharf-lab --bench carriers`): Linux 6.18, CUBIC, a link
//! and a luck of its own for each sample, on a machine that was otherwise idle. Here the same link is a machine
//! in virtual time, as a relay has it.

use std::time::Duration;

use wharf_link::stream::{Congestion, Fate};
use wharf_link::{Conditions, Latency, Loss, Profile, Seed};

use super::world::{World, of};
use crate::ms;

/// What a request takes.
const REQUEST: u64 = 40;
/// The most that a fetch took.
const LIMIT: Duration = Duration::from_secs(20);
/// What stands before each answer.
const HEAD: u64 = 45;

/// From the first SYN to the last byte, as a client sees it.
fn fetch(up: &Conditions, down: &Conditions, seed: Seed, bytes: u64) -> f64 {
    let delivered = |_: u64, _: Duration| Fate::Delivered;
    let cubic = of(Congestion::Cubic);
    let [mut there, mut back] = [(up, down, "up"), (down, up, "down")].map(|(way, other, name)| {
        World::between(cubic, way.clone(), other, seed.derive(name), delivered)
    });
    let mut asked = ms(0);
    // Both of a handshake's packets arrive, or both are sent again.
    for attempt in 0..7 {
        there.now = asked;
        let answered = there.pass(60).and_then(|at| {
            back.now = at;
            back.pass(60)
        });
        if let Some(at) = answered {
            asked = at;
            break;
        }
        asked += Duration::from_secs(1 << attempt);
    }
    there.now = asked;
    back.now = asked + there.fetch(REQUEST);
    let all = HEAD + bytes;
    back.supply = all;
    // What is not done by the limit is scaled up, as it was where it was measured.
    back.run(LIMIT);
    match back.read == all {
        true => back.read_at.as_secs_f64(),
        false => LIMIT.as_secs_f64() * all as f64 / back.read as f64,
    }
}

fn median(up: &Conditions, down: &Conditions, bytes: u64, samples: u64) -> f64 {
    let mut took: Vec<f64> = (1..=samples)
        .map(|seed| fetch(up, down, Seed(seed), bytes))
        .collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

fn plain(loss: &str) -> Conditions {
    Conditions {
        latency: Latency::millis(10),
        loss: Some(Loss::Random(loss.parse().expect("a probability"))),
        ..Conditions::CLEAR
    }
}

#[test]
fn explore() {
    for name in ["lan", "wifi", "cable", "4g", "4g-bad", "3g", "eu-us", "starlink", "geo", "0.5%", "1%", "2%"] {
        let (up, down) = match Profile::named(name) {
            Some(profile) => (profile.up.clone(), profile.down.clone()),
            None => (plain(name), plain(name)),
        };
        for (bytes, samples) in [(10_000, 201), (1_000_000, 201), (50_000_000, 21)] {
            let took = median(&up, &down, bytes, samples);
            println!("{name:10} {bytes:10} {took:8.4}");
        }
    }
}
