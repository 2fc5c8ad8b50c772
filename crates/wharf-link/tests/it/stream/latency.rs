//! How long it takes until all can be read: slow start, and what one loss costs.

use std::fmt::Write;
use std::time::Duration;

use wharf_link::stream::{Congestion, Fate, HANDSHAKE_TIMEOUT, MSS, Settings, TailProbe, handshake};
use wharf_link::{Conditions, Rate, Seed, Size};

use super::world::{World, of, unit};
use crate::{conditions, ms};

fn nothing_is_lost(_: u64, _: Duration) -> Fate {
    Fate::Delivered
}

/// These of all that come out of the link.
fn lost(numbers: &[u64]) -> impl FnMut(u64, Duration) -> Fate {
    move |number, _| match numbers.contains(&number) {
        true => Fate::Lost,
        false => Fate::Delivered,
    }
}

const CUBIC: Congestion = Congestion::Cubic;

fn probing(tail_probe: TailProbe) -> Settings {
    Settings {
        tail_probe,
        ..of(CUBIC)
    }
}

/// A window of ten segments (RFC 6928) that doubles each round trip: the last round arrives half a
/// round trip after it was sent.
#[test]
fn slow_start_takes_its_rounds() {
    for round_trip in [ms(10), ms(100), ms(600)] {
        for bytes in [1, 10_000, 14_480, 14_481, 100_000, 1_000_000, 2_000_000u64] {
            let segments = bytes.div_ceil(u64::from(MSS));
            let rounds = (1..)
                .find(|rounds| 10 * ((1 << rounds) - 1) >= segments)
                .expect("some");
            let expected = round_trip * (rounds - 1) + round_trip / 2;
            let mut world = World::new(of(CUBIC), round_trip, Conditions::CLEAR, nothing_is_lost);
            assert_eq!(world.fetch(bytes), expected, "{bytes} bytes, {round_trip:?}");
        }
    }
}

/// Kurose and Ross, "Computer Networking", 3.7: at a rate, each round has its time on the link, and a
/// pause as long as its acknowledgements take beyond that.
#[test]
fn slow_start_at_a_rate_waits_only_for_acknowledgements() {
    let round_trip = ms(100);
    for (kbit, bytes) in [
        (10_000, 10_000),
        (10_000, 100_000),
        (10_000, 1_000_000),
        (2_000, 1_000_000u64),
    ] {
        let conditions = Conditions {
            rate: Some(Rate::kbit(kbit)),
            ..Conditions::CLEAR
        };
        let segment = f64::from(MSS) * 8.0 / (f64::from(kbit) * 1e3);
        let (mut left, mut window, mut pauses) = (bytes as f64 / f64::from(MSS), 10.0, 0.0);
        while left > window {
            pauses += (round_trip.as_secs_f64() + segment - window * segment).max(0.0);
            left -= window;
            window *= 2.0;
        }
        let expected = bytes as f64 * 8.0 / (f64::from(kbit) * 1e3) + pauses + 0.05;
        let measured = World::new(of(CUBIC), round_trip, conditions, nothing_is_lost).fetch(bytes);
        let share = measured.as_secs_f64() / expected;
        assert!(
            (share - 1.0).abs() < 0.01,
            "{bytes} at {kbit} kbit/s: {measured:?}, not {expected} s"
        );
    }
}

/// What the loss of one segment of ten costs, by its place: 100 ms there and back.
#[test]
fn what_one_loss_costs() {
    let mut table = String::new();
    for probe in [TailProbe::On, TailProbe::Off] {
        for place in 0..10 {
            let place_of_loss = [place];
            let mut world = World::new(probing(probe), ms(100), Conditions::CLEAR, lost(&place_of_loss));
            let took = world.fetch(10 * u64::from(MSS));
            let sent = world.transmissions;
            writeln!(table, "probe {probe:?}, segment {place}: {took:?}, {sent} sent")
                .expect("a string takes it");
        }
    }
    insta::assert_snapshot!(table);
}

/// And of several: a round that is lost as a whole, the repair of one, the repair of its repair.
#[test]
fn what_more_losses_cost() {
    let mut table = String::new();
    let all: Vec<u64> = (0..10).collect();
    let cases: [(&str, &[u64]); 7] = [
        ("none", &[]),
        ("the first two", &[0, 1]),
        ("every other one", &[0, 2, 4, 6, 8]),
        ("all but the last", &all[..9]),
        ("all", &all),
        ("all, and the probe", &(0..11).collect::<Vec<_>>()),
        ("the first, and its repair", &[0, 10]),
    ];
    for (what, numbers) in cases {
        let mut world = World::new(of(CUBIC), ms(100), Conditions::CLEAR, lost(numbers));
        let took = world.fetch(20 * u64::from(MSS));
        let counters = world.stream.counters();
        writeln!(table, "{what}: {took:?}, {counters:?}").expect("a string takes it");
    }
    insta::assert_snapshot!(table);
}

/// Golden: the same losses, the same stream, on every platform, for ever.
#[test]
fn the_same_losses_make_the_same_stream() {
    let mut log = String::new();
    for kind in [Congestion::Reno, Congestion::Cubic, Congestion::Bbr] {
        let conditions = Conditions {
            rate: Some(Rate::kbit(5_000)),
            ..Conditions::CLEAR
        };
        let fate = |number, _| {
            if unit(3, number) < 0.04 {
                Fate::Lost
            } else {
                Fate::Delivered
            }
        };
        let mut world = World::new(of(kind), ms(60), conditions, fate);
        writeln!(log, "{kind:?}").expect("a string takes it");
        for _ in 0..12 {
            let took = world.fetch(40_000).as_nanos();
            let window = world.stream.window();
            writeln!(log, "{took:>12} ns, window {window}").expect("a string takes it");
        }
        writeln!(log, "{:?}", world.stream.counters()).expect("a string takes it");
    }
    insta::assert_snapshot!(log);
}

/// One segment asks, as in a request: nothing comes behind it that could tell of its loss. The round
/// trip is 50 ms, so the timeout is 250 ms, and the probe is due no later.
#[test]
fn a_lone_segment_waits_for_timeouts() {
    const REQUESTS: usize = 20_000;
    let p: f64 = 0.1;
    let probed = [0, 250, 500, 1_000, 2_000, 4_000, 8_000];
    let unprobed = [0, 250, 750, 1_750, 3_750, 7_750, 15_750];
    for (probe, waits) in [(TailProbe::On, probed), (TailProbe::Off, unprobed)] {
        let fate = |number, _| {
            if unit(7, number) < p {
                Fate::Lost
            } else {
                Fate::Delivered
            }
        };
        let mut world = World::new(probing(probe), ms(50), Conditions::CLEAR, fate);
        let mut counts = [0usize; 7];
        let mut sum = 0.0;
        for _ in 0..REQUESTS {
            let extra = world.fetch(500) - ms(25);
            sum += extra.as_secs_f64();
            let losses = waits
                .iter()
                .position(|&wait| ms(wait) == extra)
                .expect("one of the waits");
            counts[losses] += 1;
            world.pause(Duration::from_secs(30));
        }
        for (losses, &count) in counts.iter().enumerate().take(4) {
            let share = libm::pow(p, losses as f64) * (1.0 - p);
            let expected = share * REQUESTS as f64;
            let deviation = (expected * (1.0 - share)).sqrt();
            assert!(
                (count as f64 - expected).abs() < 3.3 * deviation,
                "{losses} losses: {count}, not {expected}"
            );
        }
        // p × the first wait, p² × what the second adds …
        let expected: f64 = waits
            .windows(2)
            .zip(1..)
            .map(|(pair, losses)| libm::pow(p, f64::from(losses)) * (pair[1] - pair[0]) as f64 / 1e3)
            .sum();
        let mean = sum / REQUESTS as f64;
        assert!(
            (mean / expected - 1.0).abs() < 0.1,
            "mean {mean} s, not {expected} s"
        );
    }
}

#[test]
fn lost_syns_cost_seconds_and_the_window() {
    let after = |lost| {
        handshake(|attempt| {
            if attempt < lost {
                Fate::Lost
            } else {
                Fate::Delivered
            }
        })
    };
    let delays: Vec<u64> = (0..7)
        .map(|lost| after(lost).expect("it is answered").delay.as_secs())
        .collect();
    assert_eq!(delays, [0, 1, 3, 7, 15, 31, 63]);
    assert_eq!(after(7), None);
    assert_eq!(HANDSHAKE_TIMEOUT.as_secs(), 127);
    // RFC 5681, 3.1: one segment after a lost SYN, so seven segments take three rounds.
    let world = World::new(of(CUBIC), ms(100), Conditions::CLEAR, nothing_is_lost);
    assert_eq!(world.after_lost_syns(of(CUBIC), 1).fetch(10_000), ms(250));
}

/// RFC 5681, 4.1: after a pause, the window is what it was at first.
#[test]
fn a_pause_makes_the_next_transfer_slow_again() {
    let mut world = World::new(of(CUBIC), ms(100), Conditions::CLEAR, nothing_is_lost);
    let first = world.fetch(1_000_000);
    world.pause(ms(100));
    let at_once = world.fetch(1_000_000);
    world.pause(Duration::from_secs(60));
    let later = world.fetch(1_000_000);
    assert_eq!((first, at_once, later), (ms(650), ms(50), ms(650)));
}

/// RFC 3168: a mark halves the window of Reno, once a round trip, and nothing is sent again.
#[test]
fn a_mark_reduces_and_repeats_nothing() {
    for (kind, factor) in [
        (Congestion::Reno, 0.5),
        (Congestion::Cubic, 0.7),
        (Congestion::Bbr, 1.0),
    ] {
        let marked = |number, _| match number {
            200..=210 => Fate::Marked,
            _ => Fate::Delivered,
        };
        let mut world = World::new(of(kind), ms(100), Conditions::CLEAR, marked);
        let segments = 10 + 20 + 40 + 80 + 160;
        world.fetch(u64::from(MSS) * segments);
        world.pause(ms(100));
        let counters = world.stream.counters();
        assert_eq!((counters.sent, counters.again), (segments, 0), "{kind:?}");
        // It had 160 and as many more as were acknowledged before the first mark.
        let before = 160.0 + 51.0;
        let share = world.stream.window() as f64 / before;
        match factor {
            1.0 => assert!(share > 1.2, "{kind:?} does not mind: {share}"),
            _ => assert!((share - factor).abs() < 0.03, "{kind:?}: {share}"),
        }
    }
}

/// HyStart: as a round's acknowledgements come in one row for half of the round trip, CUBIC ends slow start, and
/// Reno doubles on. A round trip of 50 ms at 20 Mbit/s is 86 segments.
#[test]
fn cubic_leaves_slow_start_before_the_queue_is_full() {
    let window = |kind| {
        let conditions = Conditions {
            rate: Some(Rate::kbit(20_000)),
            ..Conditions::CLEAR
        };
        let mut world = World::new(of(kind), ms(50), conditions, nothing_is_lost);
        world.fetch(800_000);
        world.stream.window()
    };
    let (cubic, reno) = (window(Congestion::Cubic), window(Congestion::Reno));
    assert!((86..172).contains(&cubic), "{cubic}");
    assert!(reno > 2 * cubic, "{reno} of Reno, {cubic} of CUBIC");
}

/// Acknowledgements that jitter on their way back come in order, and later for it: a window takes longer.
#[test]
fn jitter_of_the_way_back_is_felt() {
    let settings = Settings {
        window: Some(Size::from_bytes(64 * 1024)),
        ..of(Congestion::Reno)
    };
    let goodput = |jitter: &str| {
        let back = conditions(&[("latency", "20ms"), ("jitter", jitter)]);
        let there = conditions(&[("latency", "20ms")]);
        World::between(settings, there, &back, Seed(1), nothing_is_lost).goodput(20)
    };
    let (steady, unsteady) = (goodput("0ms"), goodput("5ms"));
    // Of many that vary by 5 ms each way, the latest decides: 45 ms, not 40.
    let share = unsteady / steady;
    assert!((0.85..0.95).contains(&share), "{share}");
}
