//! As SVG: a file of its own that follows the reader's choice of light or dark.

use std::fmt::{self, Write};

use super::scale::{Rates, times, title};
use super::{Trace, columns};

/// The room for labels, left and below; and what is left above and right.
const LEFT: f64 = 72.0;
const BELOW: f64 = 28.0;
const ABOVE: f64 = 32.0;
const RIGHT: f64 = 24.0;

/// Draws one loop of a trace as a standalone SVG of this size in pixels (at least 240 by 120, at most
/// 10,000 each way). It has no script, and loads nothing.
#[must_use]
pub fn svg(trace: &Trace, width: u16, height: u16) -> String {
    let mut svg = String::new();
    // A String takes all that is written to it.
    let _ = write(
        &mut svg,
        trace,
        width.clamp(240, 10_000),
        height.clamp(120, 10_000),
    );
    svg
}

fn write(svg: &mut String, trace: &Trace, width: u16, height: u16) -> fmt::Result {
    let across = f64::from(width) - LEFT - RIGHT;
    let down = f64::from(height) - ABOVE - BELOW;
    let base = ABOVE + down;
    // Two pixels a column.
    let rates = columns(trace, (across / 2.0) as u16);
    let scale = Rates::for_all(&rates);
    let name = escaped(trace.name());

    writeln!(
        svg,
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" "#,
            r#"viewBox="0 0 {width} {height}" role="img">"#
        ),
        width = width,
        height = height,
    )?;
    writeln!(svg, "<title>{name}: rate over time</title>")?;
    svg.push_str(STYLE);
    writeln!(svg, r#"<rect class="paper" width="{width}" height="{height}"/>"#)?;
    let title = escaped(&title(trace));
    writeln!(svg, r#"<text class="name" x="{LEFT}" y="20">{title}</text>"#)?;
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = base - share * down;
        let label = Rates::label(scale.top * share);
        writeln!(svg, r#"<path class="grid" d="M{LEFT} {y:.1}h{across}"/>"#)?;
        writeln!(
            svg,
            r#"<text class="rate" x="{:.1}" y="{:.1}">{label}</text>"#,
            LEFT - 8.0,
            y + 4.0
        )?;
    }
    for (at, label) in times(trace.period(), (across / 70.0) as usize) {
        let x = LEFT + across * at.as_secs_f64() / trace.period().as_secs_f64();
        writeln!(
            svg,
            r#"<text class="time" x="{x:.1}" y="{:.1}">{label}</text>"#,
            base + 18.0
        )?;
    }
    write!(svg, r#"<path class="area" d="M{LEFT} {base:.1}"#)?;
    let step = across / rates.len() as f64;
    for (index, rate) in rates.iter().enumerate() {
        let y = base - down * rate / scale.top;
        write!(svg, "L{:.1} {y:.1}h{step:.2}", LEFT + step * index as f64)?;
    }
    writeln!(svg, r#"V{base:.1}z"/>"#)?;
    svg.write_str("</svg>\n")
}

const STYLE: &str = "<style>
.paper { fill: #ffffff } .area { fill: #2a6fb0; fill-opacity: 0.35; stroke: #2a6fb0 }
.grid { stroke: #d8dde3 } text { fill: #4a5560; font: 12px system-ui, sans-serif }
.name { fill: #1b2229; font-weight: 600 } .rate { text-anchor: end } .time { text-anchor: middle }
@media (prefers-color-scheme: dark) {
.paper { fill: #14181d } .area { fill: #6fb1ec; stroke: #6fb1ec } .grid { stroke: #2c343d }
text { fill: #a3adb8 } .name { fill: #e8edf2 }
}
</style>
";

/// Text that cannot be anything else in SVG. What XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => {}
            char => escaped.push(char),
        }
    }
    escaped
}
