//! Measured values, and how they are printed.

use std::fmt::Display;

use crate::Result;

/// The values of one thing that was measured many times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    /// The value below which a share `rank` (0 to 1) of the values lie; 0.5 is the median.
    pub(crate) fn quantile(&self, rank: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let at = (rank * last as f64).round() as usize;
        sorted.get(at).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// What came of each round of the two.
    pub(crate) fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        self.0
            .iter()
            .zip(&other.0)
            .map(|(a, b)| combine(*a, *b))
            .collect()
    }

    /// By how much each value is more than its neighbour in `other`.
    pub(crate) fn beyond(&self, other: &Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    /// Prints the median, the least and the most, times `scale`.
    pub(crate) fn print(&self, label: impl Display, scale: f64, unit: &str) {
        let [least, median, most] = [0.0, 0.5, 1.0].map(|rank| self.quantile(rank) * scale);
        let digits = if median.abs() < 100.0 { 2 } else { 0 };
        println!("  {label:<44} {median:>9.digits$} {unit:<8} ({least:.digits$} … {most:.digits$})");
    }

    /// Prints seconds as milliseconds.
    pub(crate) fn print_ms(&self, label: impl Display) {
        self.print(label, 1e3, "ms");
    }

    /// Prints seconds as microseconds.
    pub(crate) fn print_us(&self, label: impl Display) {
        self.print(label, 1e6, "µs");
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Series(values.into_iter().collect())
    }
}

/// Measures each of these once a round, beginning with another one each time.
pub(crate) fn in_turn<const COUNT: usize>(
    rounds: usize,
    measures: &mut [&mut dyn FnMut() -> Result<f64>; COUNT],
) -> Result<[Series; COUNT]> {
    let mut series = std::array::from_fn(|_| Series::default());
    for round in 0..rounds {
        for place in 0..COUNT {
            let which = (round + place) % COUNT;
            series[which].push(measures[which]()?);
        }
    }
    Ok(series)
}
