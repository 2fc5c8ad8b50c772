//! CUBIC (RFC 9438): the window is a cubic function of the time since the last loss, whatever the
//! round trip, but never less than Reno's. Slow start ends by HyStart (RFC 9438, 4.10, asks for it or its
//! like).

use std::time::Duration;

use super::hystart::{Heard, HyStart};
use super::{Delivered, Window};
use crate::stream::MSS;

const C: f64 = 0.4;
const BETA: f64 = 0.7;
/// As fair as Reno with this reduction: 3 (1 − β) ÷ (1 + β).
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);
/// Before there was any loss, the window grows by a twentieth each round trip at the least (Linux,
/// `bictcp_update()`): where it stands tells nothing yet of where it should.
const UNTOLD: f64 = 0.05;

#[derive(Debug, Clone, Default)]
pub(super) struct Cubic {
    /// Where the window was when it was reduced last.
    peak: f64,
    epoch: Option<Epoch>,
    after_timeout: bool,
    /// Whether something was ever lost or marked.
    told: bool,
    hystart: HyStart,
}

/// A stage of congestion avoidance.
#[derive(Debug, Clone)]
struct Epoch {
    began: Duration,
    /// Seconds until the peak is reached again.
    k: f64,
    /// What Reno would have.
    reno: f64,
    /// The last time at which segments were delivered.
    last: Duration,
}

impl Cubic {
    /// Ends slow start if HyStart says so.
    pub(super) fn slow_start(&mut self, window: &mut Window, delivered: &Delivered) {
        let Some(sample) = delivered.sample else {
            return;
        };
        let heard = Heard {
            at: delivered.at,
            round_trip: sample.round_trip,
            delivered_before: sample.delivered_before,
            delivered: sample.delivered,
            // Twice the window each round trip, as `tcp_update_pacing_rate()`.
            pace: 2.0 * window.size * f64::from(MSS) / delivered.smoothed.as_secs_f64(),
        };
        if self.hystart.hears(window.size, &heard) {
            window.threshold = window.size;
        }
    }

    pub(super) fn avoid(&mut self, window: &mut Window, segments: f64, delivered: &Delivered) {
        let now = delivered.at;
        if self.epoch.is_none() {
            self.begin(window, now);
        }
        let Some(epoch) = &mut self.epoch else {
            return;
        };
        epoch.last = now;
        let t = now.saturating_sub(epoch.began).as_secs_f64();
        let at = |t: f64| {
            let off = t - epoch.k;
            C * off * off * off + self.peak
        };
        epoch.reno += ALPHA * segments / window.size;
        // So many segments more each round trip. Reno's window is followed a round trip behind, in whole
        // segments, and with one α throughout, as Linux does (`bictcp_update()`); RFC 9438, 4.3, would have
        // the window be Reno's at once, and α be 1 from the last peak on.
        let reno = (epoch.reno.floor() - window.size.floor()).max(0.0);
        let untold = if self.told { 0.0 } else { UNTOLD * window.size };
        let target = at(t + delivered.smoothed.as_secs_f64()).clamp(window.size, window.size * 1.5);
        window.size += segments * (target - window.size).max(reno).max(untold) / window.size;
    }

    fn begin(&mut self, window: &Window, now: Duration) {
        if self.after_timeout || self.peak < window.size {
            self.peak = window.size;
        }
        self.after_timeout = false;
        self.epoch = Some(Epoch {
            began: now,
            k: libm::cbrt((self.peak - window.size) / C),
            reno: window.size,
            last: now,
        });
    }

    pub(super) fn reduce(&mut self, window: &mut Window) {
        // Fast convergence (4.7): who is below its last peak makes room for others.
        self.peak = match window.size < self.peak {
            true => window.size * (1.0 + BETA) / 2.0,
            false => window.size,
        };
        self.told = true;
        self.epoch = None;
        window.threshold = window.size * BETA;
    }

    pub(super) fn collapsed(&mut self) {
        self.after_timeout = true;
        self.hystart.restart();
    }

    /// The time in which nothing was sent does not count.
    pub(super) fn idle(&mut self, idle: Duration) {
        if let Some(epoch) = &mut self.epoch {
            epoch.began = epoch.began.saturating_add(idle);
        }
    }
}
