//! The distribution of the delay, by Kolmogorov and Smirnov.

use std::time::Duration;

use wharf_link::{Conditions, Jitter, Latency, Overflow};

use crate::{drain, machine, ms, put};

const SAMPLES: u64 = 20_000;

/// One-way delays in milliseconds of packets so far apart that none is held by the one before.
fn delays(latency: Latency, jitter: Option<Jitter>) -> Vec<f64> {
    let conditions = Conditions {
        latency,
        jitter,
        ..Conditions::CLEAR
    };
    let mut machine = machine(conditions, Overflow::Drop);
    let mut delays = Vec::new();
    for id in 0..SAMPLES {
        let sent = ms(id * 1_000);
        put(&mut machine, sent, id, 1_000);
        for (arrived, _) in drain(&mut machine) {
            delays.push((arrived - sent).as_secs_f64() * 1e3);
        }
    }
    delays
}

/// The greatest distance between the samples' distribution and `cdf` must be within what chance
/// gives in 99.9% of runs: 1.95 / √n. The seed is fixed, so this cannot flake.
#[track_caller]
fn check(mut samples: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    samples.sort_by(f64::total_cmp);
    let n = samples.len() as f64;
    let distance = samples
        .iter()
        .enumerate()
        .map(|(rank, &sample)| {
            let expected = cdf(sample);
            let (below, above) = (rank as f64 / n, (rank + 1) as f64 / n);
            (expected - below).abs().max((above - expected).abs())
        })
        .fold(0.0, f64::max);
    assert!(
        distance < 1.95 / n.sqrt(),
        "Kolmogorov-Smirnov distance {distance} of {n} samples"
    );
}

fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

#[test]
fn fixed_latency_is_exact() {
    let delays = delays(Latency::millis(50), None);
    assert_eq!(delays.len() as u64, SAMPLES);
    assert!(delays.iter().all(|&delay| delay == 50.0));
}

#[test]
fn uniform_jitter_is_uniform() {
    let jitter = Jitter::uniform(ms(20));
    let delays = delays(Latency::millis(50), Some(jitter));
    check(delays, |x| ((x - 30.0) / 40.0).clamp(0.0, 1.0));
}

#[test]
fn normal_jitter_is_normal() {
    let jitter = Jitter::normal(ms(5));
    let delays = delays(Latency::millis(50), Some(jitter));
    check(delays, |x| normal_cdf((x - 50.0) / 5.0));
}

/// Were the check blind, it would also take a distribution for another of the same mean and spread.
#[test]
#[should_panic(expected = "Kolmogorov-Smirnov distance")]
fn the_check_tells_distributions_apart() {
    let jitter = Jitter::uniform(ms(20));
    let delays = delays(Latency::millis(50), Some(jitter));
    check(delays, |x| normal_cdf((x - 50.0) / (20.0 / 3f64.sqrt())));
}

#[test]
fn delay_below_zero_is_none() {
    let delays = delays(Latency::millis(1), Some(Jitter::normal(ms(10))));
    let at_once = delays.iter().filter(|&&delay| delay == 0.0).count() as f64;
    let expected = normal_cdf(-0.1) * SAMPLES as f64;
    assert!((at_once - expected).abs() < 4.0 * (SAMPLES as f64 * 0.25).sqrt());
}

#[test]
fn a_packet_that_would_overtake_arrives_with_the_one_before() {
    let conditions = Conditions {
        latency: Latency::millis(50),
        jitter: Some(Jitter::uniform(ms(40))),
        ..Conditions::CLEAR
    };
    let mut machine = machine(conditions, Overflow::Drop);
    for id in 0..1_000 {
        put(&mut machine, Duration::from_millis(id), id, 100);
    }
    let arrived = drain(&mut machine);
    assert!(arrived.is_sorted());
    let together = arrived.windows(2).filter(|w| w[0].0 == w[1].0).count();
    assert!(together > 100, "the jitter is wide enough to be felt");
}
