//! The distribution of the delay, by Kolmogorov and Smirnov.

use std::time::Duration;

use wharf_link::{Conditions, Distribution, Jitter, Latency, Overflow, Table};

use crate::{conditions, drain, machine, ms, put};

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

/// Delays of packets so far apart that none is held, as the key `jitter` has them: in spreads of 10 ms.
fn shape(jitter: &str) -> Vec<f64> {
    let conditions = conditions(&[("latency", "400ms"), ("jitter", jitter)]);
    let delays = delays(conditions.latency, conditions.jitter);
    delays.iter().map(|delay| (delay - 400.0) / 10.0).collect()
}

/// Pareto with shape 3, moved and scaled to mean 0 and variance 1.
fn pareto_cdf(x: f64) -> f64 {
    let original = x * 0.75f64.sqrt() + 1.5;
    if original <= 1.0 {
        0.0
    } else {
        1.0 - libm::pow(original, -3.0)
    }
}

/// The pareto-normal quantile has no inverse in closed form: by bisection.
fn pareto_normal_cdf(x: f64) -> f64 {
    let quantile = |score: f64| {
        let above = 0.5 * libm::erfc(score / std::f64::consts::SQRT_2);
        let pareto = (libm::pow(above, -1.0 / 3.0) - 1.5) / 0.75f64.sqrt();
        (0.25 * score + 0.75 * pareto) / (0.625 + 0.375 * 0.678_352_789_5f64).sqrt()
    };
    let (mut low, mut high) = (-30.0, 30.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if quantile(middle) < x {
            low = middle
        } else {
            high = middle
        }
    }
    normal_cdf(low)
}

fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

#[test]
fn pareto_jitter_is_pareto() {
    let samples = shape("10ms pareto");
    assert!(mean(&samples).abs() < 0.04);
    check(samples, pareto_cdf);
}

#[test]
fn pareto_normal_jitter_is_as_defined() {
    let samples = shape("10ms pareto-normal");
    // Of its variance a sample tells little: the fourth moment is infinite.
    assert!(mean(&samples).abs() < 0.04);
    check(samples, pareto_normal_cdf);
}

#[test]
fn a_table_is_followed_number_by_number() {
    let table = Table::parse("t", "8192 -8192 # two\n 0 -8192").expect("a table");
    let jitter = Jitter::of(ms(10), Distribution::Table(table));
    for correlation in ["0%", "60%"] {
        let correlation = correlation.parse().expect("a correlation");
        let jitter = Jitter {
            correlation,
            ..jitter.clone()
        };
        let delays = delays(Latency::millis(50), Some(jitter));
        for (value, expected) in [(40.0, 0.5), (50.0, 0.25), (60.0, 0.25)] {
            let count = delays.iter().filter(|&&delay| delay == value).count() as f64;
            assert!(
                (count / delays.len() as f64 - expected).abs() < 0.03,
                "{value}: {count}"
            );
        }
    }
}

/// Correlation must change neither the shape nor the mean. Neighbours are alike, so that the samples tell
/// as much as fewer would; every twentieth is as good as independent.
#[test]
fn correlated_jitter_keeps_its_shape_and_has_its_autocorrelation() {
    let normal_score = |samples: &[f64]| -> Vec<f64> {
        // By rank, whatever the shape: the copula's own numbers.
        let mut order: Vec<usize> = (0..samples.len()).collect();
        order.sort_by(|a, b| samples[*a].total_cmp(&samples[*b]));
        let mut ranks = vec![0.0; samples.len()];
        for (rank, index) in order.into_iter().enumerate() {
            ranks[index] = inverse_normal((rank as f64 + 0.5) / samples.len() as f64);
        }
        ranks
    };
    for (shape_of, cdf) in [
        ("uniform", uniform_cdf as fn(f64) -> f64),
        ("normal", normal_cdf),
        ("pareto", pareto_cdf),
        ("pareto-normal", pareto_normal_cdf),
    ] {
        for (text, rho) in [("25%", 0.25f64), ("80%", 0.8)] {
            let samples = shape(&format!("10ms {shape_of} correlation {text}"));
            assert!(
                mean(&samples).abs() < 0.1,
                "{shape_of} {text}: {}",
                mean(&samples)
            );
            check(samples.iter().copied().step_by(20).collect(), cdf);
            let scores = normal_score(&samples);
            for lag in 1..=5usize {
                let products = scores.iter().zip(&scores[lag..]).map(|(a, b)| a * b);
                let measured = products.sum::<f64>() / (scores.len() - lag) as f64;
                let expected = libm::pow(rho, lag as f64);
                assert!(
                    (measured - expected).abs() < 0.05,
                    "{shape_of} {text}: {measured} at {lag}"
                );
            }
        }
    }
}

fn uniform_cdf(x: f64) -> f64 {
    ((x + 1.0) / 2.0).clamp(0.0, 1.0)
}

fn inverse_normal(p: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if normal_cdf(middle) < p {
            low = middle
        } else {
            high = middle
        }
    }
    low
}

/// The delay of a packet hangs on its number alone, whatever came before it.
#[test]
fn correlated_jitter_is_a_function_of_the_number() {
    let run = |conditions: Conditions, from: u64| -> Vec<Duration> {
        let mut machine = machine(conditions, Overflow::Drop);
        let mut after = Vec::new();
        let jitter = conditions_with_jitter();
        for id in 0..5_000 {
            let now = ms(id * 1_000);
            if id == from {
                machine.set_conditions(now, jitter.clone());
            }
            put(&mut machine, now, id, 10);
            for (arrived, _) in drain(&mut machine) {
                if id >= from {
                    after.push(arrived - now);
                }
            }
        }
        after
    };
    let always = run(conditions_with_jitter(), 0);
    assert!(always[3_000..] == run(Conditions::CLEAR, 3_000));
    assert!(always[4_097..] == run(Conditions::CLEAR, 4_097));
}

fn conditions_with_jitter() -> Conditions {
    conditions(&[("latency", "50ms"), ("jitter", "5ms normal correlation 99%")])
}

#[test]
fn free_jitter_overtakes_and_keeps_its_distribution() {
    let conditions = conditions(&[("latency", "50ms"), ("jitter", "20ms order free")]);
    let mut machine = machine(conditions, Overflow::Drop);
    for id in 0..20_000 {
        put(&mut machine, Duration::from_millis(id), id, 100);
    }
    let arrived = drain(&mut machine);
    assert!(arrived.is_sorted_by_key(|(time, _)| *time));
    assert!(!arrived.is_sorted_by_key(|(_, id)| *id), "some overtake");
    let delays = arrived
        .iter()
        .map(|(time, id)| (*time - ms(*id)).as_secs_f64() * 1e3);
    check(delays.collect(), |x| ((x - 30.0) / 40.0).clamp(0.0, 1.0));
}
