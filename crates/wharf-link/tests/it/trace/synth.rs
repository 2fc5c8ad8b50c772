//! Made-up traces against what their models state.

use std::fmt::Write;
use std::time::Duration;

use wharf_link::trace::Trace;
use wharf_link::trace::synth::{Model, SLOT, models};
use wharf_link::{Probability, Seed};

use crate::ms;

/// Half a day: of a fade with a memory of seconds, thousands of independent samples.
const SLOTS: usize = 400_000;

fn percent(percent: u32) -> Probability {
    Probability::from_parts_per_billion(percent * 10_000_000).expect("at most 100")
}

#[track_caller]
fn near(what: &str, measured: f64, stated: f64, tolerance: f64) {
    let off = (measured - stated).abs();
    assert!(off <= tolerance, "{what}: measured {measured}, stated {stated}");
}

/// The logarithms of the rates; none where an outage is, nor in a half second in which a gap may be.
fn logarithms(model: &Model, seed: Seed) -> Vec<Option<f64>> {
    let gaps = model.name().starts_with("starlink");
    let rates = (0..SLOTS).zip(model.rates(seed));
    rates
        .map(|(slot, rate)| (rate > 0.0 && !(gaps && slot % 150 < 5)).then(|| libm::log(rate)))
        .collect()
}

fn autocorrelation(logs: &[Option<f64>], lag: usize) -> f64 {
    let (sum, count) = logs
        .iter()
        .flatten()
        .fold((0.0, 0.0), |(sum, n), x| (sum + x, n + 1.0));
    let mean = sum / count;
    let covariance = |lag: usize| {
        let pairs = logs
            .iter()
            .zip(&logs[lag..])
            .filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)));
        let (sum, count) = pairs.fold((0.0, 0.0), |(sum, n), (a, b)| {
            (sum + (a - mean) * (b - mean), n + 1.0)
        });
        sum / count
    };
    covariance(lag) / covariance(0)
}

#[test]
fn the_models_are_as_reviewed() {
    let mut table = String::new();
    writeln!(
        table,
        "{:22} {:>7} {:>7} {:>7} {:>8} {:>5} {:>5}",
        "Mbit/s", "p10", "p50", "p90", "silence", "1s", "10s"
    )
    .expect("a string takes it");
    for model in models() {
        let at = |share| model.percentile(percent(share)).expect("it is left to chance") / 1e6;
        let later = |secs| {
            model
                .autocorrelation(Duration::from_secs(secs))
                .expect("it is left to chance")
        };
        writeln!(
            table,
            "{:22} {:7.1} {:7.1} {:7.1} {:7.2}% {:5.2} {:5.2}",
            model.name(),
            at(10),
            at(50),
            at(90),
            model.silence() * 100.0,
            later(1),
            later(10),
        )
        .expect("a string takes it");
        assert!(!model.summary().is_empty() && !model.source().is_empty());
        assert_eq!(model.name().parse::<Model>().as_ref(), Ok(model));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn percentiles_are_as_stated() {
    for model in models() {
        let mut rates: Vec<f64> = model.rates(Seed(1)).take(SLOTS).collect();
        rates.sort_by(f64::total_cmp);
        for share in [10, 25, 50, 75, 90] {
            let measured = rates[SLOTS * share as usize / 100];
            let stated = model.percentile(percent(share)).expect("it is left to chance");
            near(&format!("{model}, {share}%"), measured / stated, 1.0, 0.05);
        }
        // Not all of a slot need be silent.
        let silent = rates.iter().take_while(|&&rate| rate == 0.0).count() as f64 / SLOTS as f64;
        assert!(silent <= model.silence() * 1.2, "{model}: silent for {silent}");
        if model.name().contains("driving") {
            near(&format!("{model}, silence"), silent / model.silence(), 1.0, 0.1);
        }
    }
}

#[test]
fn the_memory_is_as_stated() {
    for model in models() {
        let logs = logarithms(model, Seed(2));
        for lag in [1, 10, 30, 100, 300] {
            let measured = autocorrelation(&logs, lag);
            let stated = model
                .autocorrelation(SLOT * lag as u32)
                .expect("it is left to chance");
            // The ceiling takes some of it, where it is low; and to leave out the slots with gaps is to
            // leave out more pairs across a reconfiguration than within one.
            near(&format!("{model}, {lag} slots"), measured, stated, 0.05);
        }
    }
}

#[test]
fn a_trace_carries_what_its_rates_say() {
    for model in models() {
        let duration = Duration::from_secs(20);
        let trace = model.trace(duration, Seed(3)).expect("a trace");
        assert_eq!(trace.period(), duration);
        let slots = 200;
        let rates: f64 = model.rates(Seed(3)).take(slots).sum();
        let bits = rates * SLOT.as_secs_f64();
        let carried = trace.bytes_between(Duration::ZERO, duration) as f64 * 8.0;
        // The last millisecond has one whatever the rate.
        near(model.name(), carried, bits, 24_000.0);
    }
}

fn of(text: &str, secs: u64) -> Trace {
    let model: Model = text.parse().expect(text);
    model.trace(Duration::from_secs(secs), Seed(0)).expect("a trace")
}

#[test]
fn shapes_are_what_they_are_called() {
    let steady = of("constant 12mbit", 1);
    assert_eq!(
        steady.counts().collect::<Vec<_>>(),
        (1..=1_000).map(|at| (at, 1)).collect::<Vec<_>>()
    );
    assert_eq!(of("constant 33333kbit", 9).mean_rate().to_string(), "33.332mbit");

    let mbit = |trace: &Trace| -> Vec<u32> {
        trace
            .rates(ms(500))
            .take(8)
            .map(|rate| (rate / 1e6).round() as u32)
            .collect()
    };
    assert_eq!(
        mbit(&of("sawtooth 10mbit 30mbit 2s", 4)),
        [12, 17, 22, 27, 12, 17, 22, 27]
    );
    assert_eq!(
        mbit(&of("square 1mbit 50mbit 2s", 4)),
        [1, 1, 50, 50, 1, 1, 50, 50]
    );
}

#[test]
fn the_same_seed_makes_the_same_trace() {
    let model = Model::named("4g-driving").expect("it is there");
    let minute = Duration::from_secs(60);
    let trace = model.trace(minute, Seed(62_893)).expect("a trace");
    assert_eq!(model.trace(minute, Seed(62_893)).expect("a trace"), trace);
    assert_ne!(model.trace(minute, Seed(62_894)).expect("a trace"), trace);
    // A longer one begins as the shorter one, but for its end.
    let longer = model.trace(minute * 2, Seed(62_893)).expect("a trace");
    let before_last = trace.counts().count() - 1;
    assert!(
        longer
            .counts()
            .take(before_last)
            .eq(trace.counts().take(before_last))
    );
    // Golden: the same on every platform, for ever.
    let rates: Vec<String> = trace
        .rates(ms(3_000))
        .take(20)
        .map(|rate| format!("{:.3}", rate / 1e6))
        .collect();
    insta::assert_snapshot!(rates.join(" "), @"47.288 17.520 16.764 22.992 43.564 31.272 10.640 26.320 27.524 29.596 21.476 36.424 78.020 30.932 5.628 6.428 16.568 31.624 20.268 24.500");
    insta::assert_snapshot!(trace.counts().take(12).map(|(at, n)| format!("{at}:{n} ")).collect::<String>(), @"1:1 2:1 3:2 4:1 5:2 6:1 7:2 8:1 9:2 10:1 11:2 12:1 ");
}

#[test]
fn what_is_not_a_model_is_told_so() {
    let texts = [
        "4g-drivin",
        "",
        "constant",
        "constant 12",
        "constant 0mbit",
        "sawtooth 1mbit 2mbit",
        "square 2mbit 1mbit 5s",
        "sawtooth 1mbit 2mbit 100ms",
    ];
    let said: Vec<String> = texts
        .iter()
        .map(|text| text.parse::<Model>().expect_err("not a model").to_string())
        .collect();
    insta::assert_snapshot!(said.join("\n"));
    let model: Model = "constant 1tbit".parse().expect("a model");
    let error = model
        .trace(Duration::from_secs(3_600), Seed(0))
        .expect_err("too many");
    insta::assert_snapshot!(error, @"trace `constant 1tbit`: it has more than 4294967295 opportunities");
    let model: Model = "constant 1mbit".parse().expect("a model");
    let error = model
        .trace(Duration::from_secs(90_000), Seed(0))
        .expect_err("too long");
    insta::assert_snapshot!(error, @"trace `constant 1mbit`: 86400001 ms is above a day (86400000 ms), the longest period; cut the trace");
}
