//! Where the labels of an axis stand.

use std::time::Duration;

use crate::trace::Trace;
use crate::units::{Latency, Rate};

/// The axis of rates, from zero to a round number that no rate is above, with a round number half way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    pub(super) top: f64,
}

impl Rates {
    pub(super) fn for_all(rates: &[f64]) -> Self {
        let most = rates.iter().fold(1.0, |most: f64, &rate| most.max(rate));
        let mut decade = 1.0;
        while decade * 10.0 < most {
            decade *= 10.0;
        }
        let round = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0];
        let top = round.iter().map(|step| step * decade).find(|&top| top >= most);
        Self {
            top: top.unwrap_or(most),
        }
    }

    /// A rate for people: three digits of it.
    pub(super) fn rounded(rate: f64) -> String {
        let mut unit = 1.0;
        while rate / unit >= 1_000.0 {
            unit *= 10.0;
        }
        Self::label((rate / unit).round() * unit)
    }

    /// A label, such as `40mbit`.
    pub(super) fn label(rate: f64) -> String {
        match Rate::from_bits(rate as u64) {
            Some(rate) => rate.to_string(),
            None => "0".to_owned(),
        }
    }
}

/// What a trace is, in a line.
pub(super) fn title(trace: &Trace) -> String {
    let mean = Rates::rounded(trace.mean_rate().bits() as f64);
    let period = time(trace.period());
    format!("{}: {mean} on average over {period}", trace.name())
}

/// The axis of time: labels at whole steps, at most so many.
pub(super) fn times(period: Duration, most: usize) -> Vec<(Duration, String)> {
    const STEPS: [u64; 27] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
        300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000,
        86_400_000,
    ];
    let period = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
    let fits = |&step: &u64| period / step < most.max(2) as u64;
    let step = STEPS.into_iter().find(fits).unwrap_or(period.max(1));
    (0..=period / step)
        .map(|number| Duration::from_millis(number * step))
        .map(|at| (at, time(at)))
        .collect()
}

/// A time, as short as it is exact: `500ms`, `90s`, `2min`, `3h`.
fn time(time: Duration) -> String {
    let secs = time.as_secs();
    match secs {
        0 if time.is_zero() => "0".to_owned(),
        _ if time.subsec_nanos() > 0 || secs < 120 || !secs.is_multiple_of(60) => {
            Latency::new(time).unwrap_or_default().to_string()
        }
        _ if secs.is_multiple_of(3_600) => format!("{}h", secs / 3_600),
        _ => format!("{}min", secs / 60),
    }
}
