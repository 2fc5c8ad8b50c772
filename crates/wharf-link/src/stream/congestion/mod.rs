//! How much a sender may have under way: Reno, CUBIC, and one in the manner of BBR. Windows are in
//! segments, as Linux counts them, and need not be whole.

mod bbr;
mod cubic;
mod hystart;
mod reno;

use std::time::Duration;

use bbr::Bbr;
use cubic::Cubic;
use reno::Reno;

use crate::conditions::Congestion;

pub(super) use bbr::Sample;

/// What a sender begins with (RFC 6928).
const INITIAL_WINDOW: f64 = 10.0;

/// What it has at least after a loss (RFC 5681).
const LEAST_WINDOW: f64 = 2.0;

/// What the sender tells when segments are delivered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivered {
    pub(super) at: Duration,
    pub(super) segments: f64,
    /// Whether the window was what kept it from sending more.
    pub(super) limited: bool,
    /// Whether it is repairing what was lost after a duplicate acknowledgement.
    pub(super) recovering: bool,
    /// The most that has been under way in this round or the last.
    pub(super) most_under_way: f64,
    pub(super) smoothed: Duration,
    pub(super) sample: Option<Sample>,
}

/// What a window is and what it grows to.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// In segments.
    pub(super) size: f64,
    /// Where slow start ends.
    pub(super) threshold: f64,
    /// The most it may be.
    most: f64,
}

impl Window {
    fn slow_start(&mut self, segments: f64) -> f64 {
        if self.size >= self.threshold {
            return segments;
        }
        let grown = (self.size + segments).min(self.threshold);
        let left = segments - (grown - self.size);
        self.size = grown;
        left
    }

    fn in_slow_start(&self) -> bool {
        self.size < self.threshold
    }

    fn is_limited(&self, delivered: &Delivered) -> bool {
        // As `tcp_is_cwnd_limited()`: slow start may double what is used, and no more.
        delivered.limited || (self.in_slow_start() && self.size < 2.0 * delivered.most_under_way)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Control {
    window: Window,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Reno(Reno),
    Cubic(Cubic),
    Bbr(Box<Bbr>),
}

impl Kind {
    fn new(congestion: Congestion) -> Self {
        match congestion {
            Congestion::Reno => Self::Reno(Reno),
            Congestion::Cubic => Self::Cubic(Cubic::default()),
            Congestion::Bbr => Self::Bbr(Box::default()),
        }
    }

    fn congestion(&self) -> Congestion {
        match self {
            Self::Reno(_) => Congestion::Reno,
            Self::Cubic(_) => Congestion::Cubic,
            Self::Bbr(_) => Congestion::Bbr,
        }
    }
}

impl Control {
    pub(super) fn new(kind: Congestion, most: f64, initial: Option<f64>) -> Self {
        Self {
            window: Window {
                size: initial.unwrap_or(INITIAL_WINDOW).min(most),
                threshold: f64::INFINITY,
                most,
            },
            kind: Kind::new(kind),
        }
    }

    /// Another kind, or another limit: the window stays as far as it may.
    pub(super) fn change(&mut self, kind: Congestion, most: f64) {
        self.window.most = most;
        self.window.size = self.window.size.min(most);
        if self.kind.congestion() != kind {
            self.kind = Kind::new(kind);
        }
    }

    /// How many segments may be under way.
    pub(super) fn window(&self) -> usize {
        self.window.size as usize
    }

    /// Segments were delivered.
    pub(super) fn delivered(&mut self, delivered: &Delivered) {
        let window = &mut self.window;
        if let Kind::Bbr(bbr) = &mut self.kind {
            bbr.delivered(window, delivered);
        } else if !delivered.recovering && window.is_limited(delivered) {
            if window.in_slow_start()
                && let Kind::Cubic(cubic) = &mut self.kind
            {
                cubic.slow_start(window, delivered);
            }
            let left = window.slow_start(delivered.segments);
            if left > 0.0 {
                match &mut self.kind {
                    Kind::Reno(reno) => reno.avoid(window, left),
                    Kind::Cubic(cubic) => cubic.avoid(window, left, delivered),
                    Kind::Bbr(_) => {}
                }
            }
        }
        window.size = window.size.clamp(1.0, window.most);
    }

    /// A loss, or a mark: less from here on.
    pub(super) fn reduce(&mut self) {
        let window = &mut self.window;
        match &mut self.kind {
            Kind::Reno(reno) => reno.reduce(window),
            Kind::Cubic(cubic) => cubic.reduce(window),
            Kind::Bbr(_) => return,
        }
        window.threshold = window.threshold.max(LEAST_WINDOW).min(window.most);
        window.size = window.threshold;
    }

    /// A timeout: one segment, and slow start again.
    pub(super) fn collapse(&mut self) {
        self.reduce();
        match &mut self.kind {
            Kind::Cubic(cubic) => cubic.collapsed(),
            Kind::Bbr(bbr) => bbr.collapsed(),
            Kind::Reno(_) => {}
        }
        self.window.size = 1.0;
    }

    /// Another timeout before all was repaired: the threshold stays (RFC 5681, 3.1).
    pub(super) fn collapse_again(&mut self) {
        self.window.size = 1.0;
    }

    /// Nothing was sent for a while: the window halves each timeout, down to the initial one (RFC 5681,
    /// 4.1, as RFC 2861 and Linux soften it).
    pub(super) fn restart(&mut self, idle: Duration, timeout: Duration) {
        let window = &mut self.window;
        match &mut self.kind {
            Kind::Bbr(_) => return,
            Kind::Cubic(cubic) => cubic.idle(idle),
            Kind::Reno(_) => {}
        }
        window.threshold = window.threshold.max(window.size * 0.75);
        let restart = INITIAL_WINDOW.min(window.size);
        let mut left = idle;
        while left > timeout && window.size > restart {
            window.size = (window.size / 2.0).max(restart);
            left -= timeout;
        }
    }
}
