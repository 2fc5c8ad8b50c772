//! Rounds over all ways, and their medians.

use crate::Result;
use crate::carriers::Way;
use crate::table::Cell;

/// Measures all ways in turn, `rounds` times. A measurement has several figures; for each the cells of
/// all ways, in their order. The first way is what the others are compared with.
pub(crate) fn compare<const N: usize>(
    ways: &[Way],
    rounds: usize,
    mut measure: impl FnMut(&Way) -> Result<[f64; N]>,
) -> Result<[Vec<Cell>; N]> {
    let mut all = Vec::new();
    for _ in 0..rounds.max(1) {
        let figures: Vec<[f64; N]> = ways.iter().map(&mut measure).collect::<Result<_>>()?;
        all.push(figures);
    }
    Ok(std::array::from_fn(|figure| {
        let cell = |(index, way): (usize, &Way)| Cell {
            way: way.name.to_owned(),
            value: median(all.iter().map(|round| round[index][figure]).collect()),
            ratio: (index > 0).then(|| {
                let ratios = all.iter().map(|round| round[index][figure] / round[0][figure]);
                median(ratios.collect())
            }),
        };
        ways.iter().enumerate().map(cell).collect()
    }))
}

pub(crate) fn median(values: Vec<f64>) -> f64 {
    percentile(values, 50)
}

pub(crate) fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = values.len().saturating_sub(1) * percent / 100;
    values.get(index).copied().unwrap_or(f64::NAN)
}
