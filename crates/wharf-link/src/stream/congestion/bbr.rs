//! In the manner of BBR (Cardwell et al., ACM Queue 14(5), 2016; draft-cardwell-iccrg-bbr): the window is
//! a multiple of what passes in the least round trip, and losses do not matter to it.
//!
//! Left out: pacing, and the gains that go with it. The link's own rate paces what is sent to it, and
//! a window of twice the product keeps its queue from running empty, which is all that the cycle of
//! gains is for when the rate rises.

use std::time::Duration;

use super::{Delivered, Window};

/// 2 ÷ ln 2: the least gain that doubles each round trip.
const STARTUP: f64 = 2.885;
const CRUISE: f64 = 2.0;
const LEAST_WINDOW: f64 = 4.0;
/// How many rounds the greatest rate is remembered for.
const ROUNDS: usize = 10;
/// For how long the least round trip is believed, and how long it is then looked for.
const BELIEVED: Duration = Duration::from_secs(10);
const PROBED: Duration = Duration::from_millis(200);

/// What one delivery tells of the path (draft-cheng-iccrg-delivery-rate-estimation).
#[derive(Debug, Clone, Copy)]
pub(in crate::stream) struct Sample {
    /// The round trip of the segment.
    pub(in crate::stream) round_trip: Duration,
    /// Segments a second, between its sending and its delivery.
    pub(in crate::stream) rate: f64,
    /// How many had been delivered when it was sent.
    pub(in crate::stream) delivered_before: u64,
    /// How many are now.
    pub(in crate::stream) delivered: u64,
    /// Whether its sender had more to send than the window let.
    pub(in crate::stream) full: bool,
}

#[derive(Debug, Clone, Default)]
pub(in crate::stream) struct Bbr {
    rates: [f64; ROUNDS],
    round: usize,
    /// The round ends when a segment is delivered that was sent after so many had been.
    round_end: u64,
    least: Option<(Duration, Duration)>,
    /// The greatest rate at the last round in which it grew by a quarter, and for how many it has not.
    plateau: f64,
    flat: u32,
    probing: Option<Duration>,
}

impl Bbr {
    pub(super) fn delivered(&mut self, window: &mut Window, delivered: &Delivered) {
        if let Some(sample) = delivered.sample {
            self.learn(delivered.at, sample);
        }
        let Some((least, _)) = self.least else {
            window.size += delivered.segments;
            return;
        };
        if self.probing.is_some() {
            window.size = LEAST_WINDOW;
            return;
        }
        let filled = self.flat >= 3;
        let gain = if filled { CRUISE } else { STARTUP };
        let product = self.rate() * least.as_secs_f64();
        let target = (gain * product + 3.0).max(LEAST_WINDOW);
        if filled {
            window.size = (window.size + delivered.segments).min(target);
        } else if window.size < target {
            window.size += delivered.segments;
        }
    }

    fn rate(&self) -> f64 {
        self.rates.iter().fold(0.0, |most: f64, &rate| most.max(rate))
    }

    fn learn(&mut self, now: Duration, sample: Sample) {
        if sample.full || sample.rate > self.rate() {
            let slot = self.round % ROUNDS;
            if let Some(rate) = self.rates.get_mut(slot) {
                *rate = rate.max(sample.rate);
            }
        }
        if sample.delivered_before >= self.round_end {
            self.next_round(sample);
        }
        match self.least {
            Some((least, since)) if sample.round_trip > least => {
                if self.probing.is_none() && now.saturating_sub(since) > BELIEVED {
                    self.probing = Some(now + PROBED.max(sample.round_trip * 2));
                    // Whatever comes now is the least there is.
                    self.least = Some((sample.round_trip, now));
                }
            }
            _ => self.least = Some((sample.round_trip, now)),
        }
        if self.probing.is_some_and(|until| now >= until) {
            self.probing = None;
        }
    }

    fn next_round(&mut self, sample: Sample) {
        let rate = self.rate();
        if rate > self.plateau * 1.25 {
            self.plateau = rate;
            self.flat = 0;
        } else if sample.full {
            self.flat = self.flat.saturating_add(1);
        }
        self.round_end = sample.delivered;
        self.round = self.round.wrapping_add(1);
        let slot = self.round % ROUNDS;
        if let Some(rate) = self.rates.get_mut(slot) {
            *rate = 0.0;
        }
    }

    pub(super) fn collapsed(&mut self) {
        self.probing = None;
    }
}
