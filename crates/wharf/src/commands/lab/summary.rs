//! What is said at the end of a lab.

use std::path::Path;

use serde::Serialize;
use wharf_lab::{Carrier, Facts, Figures, LabSpec, LaneFigures, SegmentFigures, Shortfall};
use wharf_link::Seed;

use crate::out;
use crate::report::{Code, Report};

/// What has passed, as people read it.
pub(super) fn of_path(spec: &LabSpec, facts: &Facts, figures: &Figures) {
    out::error_line(&format!(
        "lab: {:?}, congestion control {}, seed {}, up in {:.0} ms",
        facts.carrier,
        facts.congestion,
        spec.seed,
        facts.start.as_secs_f64() * 1000.0
    ));
    for (name, lane) in [("up", &figures.up), ("down", &figures.down)] {
        out::error_line(&format!("{name:<5}{}", lane_line(lane)));
    }
}

fn lane_line(lane: &LaneFigures) -> String {
    let micros = |nanos: u64| nanos as f64 / 1000.0;
    let mut line = format!(
        "{} packets ({}) in, {} ({}) out",
        lane.read,
        out::bytes(lane.read_bytes),
        lane.written,
        out::bytes(lane.written_bytes),
    );
    let mut drops = Vec::new();
    for segment in &lane.segments {
        for (cause, count) in self::drops(segment) {
            match lane.segments.len() {
                1 => drops.push(format!("{count} by {cause}")),
                _ => drops.push(format!("{count} by {cause} of {}", segment.name)),
            }
        }
    }
    for (cause, count) in [
        ("no memory", lane.out_of_memory),
        ("malformed", lane.malformed),
        ("not taken", lane.not_taken),
    ] {
        if count > 0 {
            drops.push(format!("{count} {cause}"));
        }
    }
    if !drops.is_empty() {
        line.push_str(&format!("; dropped: {}", drops.join(", ")));
    }
    if lane.lateness.count > 0 {
        line.push_str(&format!(
            "; late p50 {:.0} µs, p99 {:.0} µs, max {:.0} µs",
            micros(lane.lateness.p50),
            micros(lane.lateness.p99),
            micros(lane.lateness.max)
        ));
    }
    line
}

/// What a segment dropped, by cause, where it did.
pub(super) fn drops(segment: &SegmentFigures) -> impl Iterator<Item = (&'static str, u64)> {
    [
        ("loss", segment.loss),
        ("queue", segment.queue),
        ("AQM", segment.aqm),
        ("MTU", segment.mtu),
        ("outage", segment.outage),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
}

/// What has passed, as programs read it.
#[derive(Serialize)]
pub(super) struct Summary<'a, F> {
    pub(super) carrier: Carrier,
    pub(super) congestion: &'a str,
    pub(super) ipv6: bool,
    pub(super) seed: Seed,
    pub(super) start_ms: f64,
    /// What the machine did not hold.
    pub(super) shortfalls: &'a [Shortfall],
    #[serde(flatten)]
    pub(super) figures: &'a F,
}

impl<F: Serialize> Summary<'_, F> {
    pub(super) fn write(&self, file: &Path) -> Result<(), Report> {
        let failed =
            |error: std::io::Error| Report::new(Code::Unusable, format!("write {}: {error}", file.display()));
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        std::fs::write(file, text + "\n").map_err(failed)
    }
}
