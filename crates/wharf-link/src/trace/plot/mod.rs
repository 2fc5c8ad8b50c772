//! A trace as a picture: its rate over one loop, for a terminal or as SVG. What is drawn of each column
//! is the mean rate of its time.

mod scale;
mod svg;
mod text;

pub use svg::svg;
pub use text::text;

use super::Trace;

/// The mean rates of so many equal parts of a loop (fewer, where a part would be under a millisecond),
/// in bits a second.
fn columns(trace: &Trace, most: u16) -> Vec<f64> {
    let millis = trace.period().as_millis();
    let columns = u32::try_from(millis)
        .unwrap_or(u32::MAX)
        .min(u32::from(most))
        .max(1);
    let width = trace.period() / columns;
    trace.rates(width).take(columns as usize).collect()
}
