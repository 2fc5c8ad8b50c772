//! The table, a line at a time.

use std::fmt;

use crate::work::{Outcome, Work};

pub(crate) const HEAD: &str = "profile                work               relay (quartiles)          lab (quartiles)            relay/lab   n";

/// What may lie between the two.
const CLOSE: std::ops::RangeInclusive<f64> = 1.0 / 1.2..=1.2;

/// One profile, one work.
pub(crate) struct Cell<'a> {
    pub(crate) profile: &'a str,
    pub(crate) work: Work,
    pub(crate) relay: Option<Vec<Outcome>>,
    pub(crate) lab: Option<Vec<Outcome>>,
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [relay, lab] = [&self.relay, &self.lab].map(|outcomes| outcomes.as_deref().map(Summary::of));
        let text = |summary: &Option<Summary>| summary.as_ref().map_or("-".to_owned(), Summary::to_string);
        write!(
            f,
            "{:22} {:15} {:26} {:26}",
            self.profile,
            self.work,
            text(&relay),
            text(&lab)
        )?;
        if let (Some(relay), Some(lab)) = (&relay, &lab) {
            let ratio = relay.median / lab.median;
            let mark = if CLOSE.contains(&ratio) { ' ' } else { '!' };
            write!(f, " {ratio:7.2} {mark}")?;
        }
        let count = self.relay.as_ref().or(self.lab.as_ref()).map_or(0, Vec::len);
        write!(f, "  {count:3}")
    }
}

/// Of one carrier, in seconds.
struct Summary {
    median: f64,
    quartiles: [f64; 2],
    cut: bool,
}

impl Summary {
    fn of(outcomes: &[Outcome]) -> Self {
        let mut seconds: Vec<f64> = outcomes.iter().map(|outcome| outcome.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (seconds.len() - 1) as f64;
            let (low, high) = (place.floor(), place.ceil());
            let part = place - low;
            seconds[low as usize] * (1.0 - part) + seconds[high as usize] * part
        };
        Self {
            median: at(0.5),
            quartiles: [at(0.25), at(0.75)],
            cut: outcomes.iter().any(|outcome| outcome.cut),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.cut { "~" } else { "" };
        let [low, high] = self.quartiles;
        let text = format!("{mark}{:.4} s ({low:.4}–{high:.4})", self.median);
        f.pad(&text)
    }
}
