//! For a terminal, in block characters.

use super::scale::{Rates, times, title};
use super::{Trace, columns};

/// From nothing to full, an eighth each.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws one loop of a trace, `width` characters wide and `height` lines high with all its labels (at
/// least 24 by 5, at most 500 by 100). Lines end in a newline, and have no spaces before it.
#[must_use]
pub fn text(trace: &Trace, width: u16, height: u16) -> String {
    let (width, height) = (width.clamp(24, 500), height.clamp(5, 100));
    // A title above, an axis and its labels below.
    let rows = usize::from(height) - 3;
    let margin = 10;
    let rates = columns(trace, width - margin - 1);
    let scale = Rates::for_all(&rates);
    let eighths: Vec<usize> = rates
        .iter()
        .map(|rate| (rate / scale.top * rows as f64 * 8.0).round() as usize)
        .collect();

    let mut lines = vec![title(trace)];
    for row in (0..rows).rev() {
        let share = (row + 1) as f64 / rows as f64;
        let labelled = row + 1 == rows || (rows >= 4 && rows.is_multiple_of(2) && row + 1 == rows / 2);
        let label = labelled.then(|| Rates::label(scale.top * share));
        let tick = if labelled { '┤' } else { '│' };
        let mut line = format!("{:>9}{tick}", label.unwrap_or_default());
        line.extend(eighths.iter().map(|eighths| {
            let full = eighths.saturating_sub(row * 8).min(8);
            BLOCKS.get(full).copied().unwrap_or('█')
        }));
        lines.push(line);
    }
    lines.extend(below(trace, rates.len()));
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// The axis of time, and its labels.
fn below(trace: &Trace, columns: usize) -> [String; 2] {
    let mut axis: Vec<char> = format!("{:>9}┼{}", "0", "─".repeat(columns)).chars().collect();
    let mut labels: Vec<char> = vec![' '; 10 + columns + 10];
    for (at, label) in times(trace.period(), columns / 10) {
        let share = at.as_secs_f64() / trace.period().as_secs_f64();
        let place = 9 + (share * columns as f64).round() as usize;
        if place > 9
            && let Some(tick) = axis.get_mut(place)
        {
            *tick = '┴';
        }
        let begin = place.saturating_sub(label.chars().count() / 2);
        for (slot, char) in labels.iter_mut().skip(begin).zip(label.chars()) {
            *slot = char;
        }
    }
    [axis.into_iter().collect(), labels.into_iter().collect()]
}
