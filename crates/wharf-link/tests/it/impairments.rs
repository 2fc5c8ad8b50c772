//! What chance does to packets, against what it should do by analysis: rates within binomial bounds,
//! bursts against closed forms, and each impairment on its own random numbers.

use wharf_link::{Cause, Conditions, Delivery, Loss, Machine, Offer, Overflow, Packet, Seed};

use crate::{Piece, conditions, ms};

const PACKETS: u64 = 200_000;

/// What became of each packet: `None` if it was lost.
fn run(written: &[(&str, &str)]) -> Vec<Option<Delivery<Piece>>> {
    let mut machine = Machine::new(conditions(written), Seed(7), Overflow::Drop);
    let deliver = |id| {
        let now = ms(id);
        match machine.offer(now, Piece { id, len: 1_000 }) {
            Offer::Accepted => Some(machine.poll(now).expect("it arrives at once")),
            Offer::Dropped(_, Cause::Loss) => None,
            other => panic!("{other:?}"),
        }
    };
    (0..PACKETS).map(deliver).collect()
}

/// Whether each packet is lost.
fn losses(loss: &str) -> Vec<bool> {
    run(&[("loss", loss)]).iter().map(Option::is_none).collect()
}

fn share(hits: &[bool]) -> f64 {
    hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64
}

/// Within 4.5 standard deviations: one run of 100,000 is not, and the seed is fixed. What is correlated
/// has the variance of so many times fewer packets.
#[track_caller]
fn check(measured: f64, expected: f64, of: f64, fewer: f64) {
    let deviation = (expected * (1.0 - expected) / of * fewer).sqrt();
    assert!(
        (measured - expected).abs() <= 4.5 * deviation,
        "{measured} is not {expected} ± {deviation}"
    );
}

/// The mean length of runs of losses, and how many there are.
fn bursts(losses: &[bool]) -> (f64, f64) {
    let runs = losses.chunk_by(|a, b| a == b).filter(|run| run[0]).count() as f64;
    (share(losses) * losses.len() as f64 / runs, runs)
}

/// The autocorrelation at a lag.
fn autocorrelation(hits: &[bool], lag: usize) -> f64 {
    let mean = share(hits);
    let value = |hit: bool| f64::from(u8::from(hit)) - mean;
    let pairs = hits.iter().zip(&hits[lag..]);
    let sum: f64 = pairs.map(|(a, b)| value(*a) * value(*b)).sum();
    sum / (hits.len() - lag) as f64 / (mean * (1.0 - mean))
}

const N: f64 = PACKETS as f64;

#[test]
fn random_loss_is_binomial_and_independent() {
    for (text, p) in [("0.1%", 0.001), ("1%", 0.01), ("30%", 0.3)] {
        let losses = losses(text);
        check(share(&losses), p, N, 1.0);
        assert!(autocorrelation(&losses, 1).abs() < 4.5 / N.sqrt());
    }
    assert_eq!(share(&losses("0%")), 0.0);
    assert_eq!(share(&losses("100%")), 1.0);
}

#[test]
fn correlated_loss_keeps_its_rate_and_has_its_autocorrelation() {
    for (text, p, rho) in [
        ("1% correlation 25%", 0.01, 0.25),
        ("10% correlation 80%", 0.1, 0.8),
    ] {
        let losses = losses(text);
        check(share(&losses), p, N, (1.0 + rho) / (1.0 - rho));
        for lag in 1..=4 {
            let measured = autocorrelation(&losses, lag);
            assert!(
                (measured - libm::pow(rho, lag as f64)).abs() < 0.03,
                "{text}: {measured} at {lag}"
            );
        }
        // A run ends with probability (1 − p)(1 − ρ).
        let (length, runs) = bursts(&losses);
        let expected = 1.0 / ((1.0 - p) * (1.0 - rho));
        assert!(
            (length / expected - 1.0).abs() < 4.5 / runs.sqrt(),
            "{length} is not {expected}"
        );
    }
}

#[test]
fn bursts_have_their_rate_and_length() {
    for (text, p, expected) in [
        ("1% burst 3", 0.01, 3.0),
        ("20% burst 1", 0.2, 1.0),
        ("5% burst 12.5", 0.05, 12.5),
    ] {
        let losses = losses(text);
        let (length, runs) = bursts(&losses);
        check(share(&losses), p, N, 2.0 * expected);
        assert!(
            (length / expected - 1.0).abs() <= 4.5 / runs.sqrt(),
            "{text}: {length}"
        );
    }
}

#[test]
fn gilbert_elliott_is_as_in_closed_form() {
    // The bad state has p/(p+r) of the packets and lasts for 1/r of them.
    let losses = losses("gilbert-elliott 1% 25%");
    let (length, runs) = bursts(&losses);
    check(share(&losses), 0.01 / 0.26, N, 8.0);
    assert!((length / 4.0 - 1.0).abs() < 4.5 / runs.sqrt(), "{length}");
    // Loss in both states: the mean is the mixture, the covariance at lag k is
    // π(1−π)(bad−good)²(1−p−r)ᵏ.
    let losses = self::losses("gilbert-elliott 2% 10% good 1% bad 40%");
    let bad = 0.02 / 0.12;
    let mean = (1.0 - bad) * 0.01 + bad * 0.4;
    check(share(&losses), mean, N, 6.0);
    for lag in 1..=5 {
        let expected =
            bad * (1.0 - bad) * 0.39 * 0.39 * libm::pow(0.88, f64::from(lag)) / (mean * (1.0 - mean));
        let measured = autocorrelation(&losses, lag as usize);
        assert!((measured - expected).abs() < 0.02, "{measured} is not {expected}");
    }
}

#[test]
fn four_states_are_as_in_closed_form() {
    // From the balance of flows: π3 = π1·p13/p31, π2 = π3·p32/p23, π4 = π1·p14.
    let [p13, p31, p32, p23, p14] = [0.01, 0.2, 0.3, 0.4, 0.005];
    let losses = losses("markov 1% 20% 30% 40% 0.5%");
    let [of_3, of_4] = [p13 / p31, p14];
    let one = 1.0 / (1.0 + of_3 * (1.0 + p32 / p23) + of_4);
    check(share(&losses), one * (of_3 + of_4), N, 12.0);
    // Runs begin by 1→3, 2→3 and 1→4; in state 3 a run goes on with 1 − p31 − p32.
    let begins = one * (p13 + p14) + one * of_3 * p32 / p23 * p23;
    let expected = one * (of_3 + of_4) / begins;
    let (length, runs) = bursts(&losses);
    assert!(
        (length / expected - 1.0).abs() < 6.0 / runs.sqrt(),
        "{length} is not {expected}"
    );
}

#[test]
fn a_pattern_is_followed_and_repeated() {
    let losses = losses("pattern 0010");
    assert!(losses.iter().enumerate().all(|(n, lost)| *lost == (n % 4 == 2)));
}

#[test]
fn corruption_duplication_and_reordering_are_binomial() {
    let all = run(&[("corrupt", "2%"), ("duplicate", "5%")]);
    let hits = |is: fn(&Delivery<Piece>) -> bool| -> Vec<bool> { all.iter().flatten().map(is).collect() };
    check(share(&hits(|delivery| delivery.corrupt.is_some())), 0.02, N, 1.0);
    check(share(&hits(|delivery| delivery.duplicate)), 0.05, N, 1.0);
    // Every bit is as likely as the other: the mean of a uniform distribution over 8000 of them.
    let bits: Vec<f64> = all
        .iter()
        .flatten()
        .filter_map(|d| d.corrupt)
        .map(|bit| bit as f64)
        .collect();
    let mean = bits.iter().sum::<f64>() / bits.len() as f64;
    assert!(
        (mean - 3_999.5).abs() < 4.5 * 2_309.4 / (bits.len() as f64).sqrt(),
        "{mean}"
    );
    for (text, expected) in [("25%", 0.25), ("25% gap 5", 1.0 / (4.0 + 1.0 / 0.25))] {
        let written = [("latency", "5ms"), ("reorder", text)];
        let mut machine = Machine::new(conditions(&written), Seed(7), Overflow::Drop);
        for id in 0..PACKETS {
            assert_eq!(machine.offer(ms(id * 10), Piece { id, len: 1 }), Offer::Accepted);
            let _ = machine.poll(ms(id * 10));
        }
        check(machine.counters().reordered as f64 / N, expected, N, 1.0);
    }
}

#[test]
fn one_impairment_draws_nothing_from_another() {
    let full = [
        ("loss", "5% burst 2"),
        ("corrupt", "3%"),
        ("duplicate", "4%"),
        ("latency", "20ms"),
        ("jitter", "5ms normal correlation 50% order free"),
        ("reorder", "10%"),
    ];
    // What each packet gets from the impairment under this key.
    let fates = |written: &[(&str, &str)], key: &str| -> Vec<Option<String>> {
        let mut machine = Machine::new(conditions(written), Seed(7), Overflow::Drop);
        let fate = |id: u64| {
            let now = ms(id * 100);
            let Offer::Accepted = machine.offer(now, Piece { id, len: 1_000 }) else {
                return None;
            };
            let delivery = machine
                .next_wakeup()
                .and_then(|due| machine.poll(due))
                .expect("it arrives");
            Some(match key {
                "corrupt" => format!("{:?}", delivery.corrupt),
                "duplicate" => format!("{:?}", delivery.duplicate),
                _ => format!("{:?}", delivery.ideal_time - now),
            })
        };
        (0..2_000).map(fate).collect()
    };
    for key in ["corrupt", "duplicate", "jitter"] {
        let alone: Vec<_> = full
            .into_iter()
            .filter(|(name, _)| *name == key || *name == "latency" || *name == "reorder" && key == "jitter")
            .collect();
        let (alone, together) = (fates(&alone, key), fates(&full, key));
        // Reordering counts what leaves, so after a loss another packet may be the one that may.
        let same =
            |(alone, together): &(&Option<String>, &Option<String>)| together.is_none() || alone == together;
        let differing = alone.iter().zip(&together).filter(|pair| !same(pair)).count();
        assert_eq!(differing, 0, "{key}");
        assert!(together.iter().any(Option::is_none), "some are lost");
    }
    // And which are lost hangs on nothing else.
    let lost =
        |written: &[(&str, &str)]| -> Vec<bool> { fates(written, "").iter().map(Option::is_none).collect() };
    assert_eq!(lost(&full), lost(&full[..1]));
}

#[test]
fn a_stream_loses_and_flips_nothing_but_is_told() {
    let written = [
        ("loss", "10%"),
        ("corrupt", "50%"),
        ("duplicate", "50%"),
        ("reorder", "50%"),
        ("mtu", "100B"),
    ];
    let mut machine = Machine::new(conditions(&written), Seed(7), Overflow::PushBack);
    let mut told = Vec::new();
    for id in 0..20_000 {
        assert_eq!(machine.offer(ms(id), Piece { id, len: 1_448 }), Offer::Accepted);
        let delivery = machine.poll(ms(id)).expect("it arrives");
        assert_eq!(
            (delivery.packet.id, delivery.duplicate, delivery.corrupt),
            (id, false, None)
        );
        told.push(delivery.lost);
    }
    check(share(&told), 0.1, 20_000.0, 1.0);
    // The same ones that a network would have lost.
    let loss: Loss = "10%".parse().expect("a loss");
    let conditions = Conditions {
        loss: Some(loss),
        ..Conditions::CLEAR
    };
    let mut packets = Machine::new(conditions, Seed(7), Overflow::Drop);
    let lost = |id| {
        matches!(
            packets.offer(ms(id), Piece { id, len: 1_448 }),
            Offer::Dropped(..)
        )
    };
    assert_eq!((0..2_000).map(lost).collect::<Vec<_>>(), told[..2_000]);
    // What takes no bytes is no packet that could be lost.
    assert_eq!(
        machine.offer(ms(30_000), Piece { id: 0, len: 0 }),
        Offer::Accepted
    );
    assert!(Piece { id: 0, len: 0 }.is_empty());
}

#[test]
fn what_is_too_long_comes_back_with_the_most_that_passes() {
    let mut machine = Machine::new(conditions(&[("mtu", "1400")]), Seed(7), Overflow::Drop);
    let long = Piece { id: 0, len: 1_401 };
    assert_eq!(machine.offer(ms(0), long), Offer::TooBig(long, 1_400));
    assert_eq!(machine.offer(ms(0), Piece { id: 1, len: 1_400 }), Offer::Accepted);
    assert_eq!(machine.counters().dropped_by_mtu, 1);
}

#[test]
fn where_nobody_is_told_what_is_too_long_is_dropped() {
    let mut machine = Machine::new(conditions(&[("mtu", "1400 silent")]), Seed(7), Overflow::Drop);
    let long = Piece { id: 0, len: 1_401 };
    assert_eq!(machine.offer(ms(0), long), Offer::Dropped(long, Cause::Mtu));
    assert_eq!(machine.offer(ms(0), Piece { id: 1, len: 1_400 }), Offer::Accepted);
    assert_eq!(machine.counters().dropped_by_mtu, 1);
}
