//! What follows from a model's figures, in closed form.

use std::time::Duration;

use super::model::{Chance, Level, Model, Shape};
use crate::units::Probability;

impl Model {
    /// The rate in bits a second below which the model is for this share of the time; zero for what
    /// falls into an outage. `None` for shapes that are not left to chance.
    #[must_use]
    pub fn percentile(&self, share: Probability) -> Option<f64> {
        let Shape::Chance(chance) = self.shape else {
            return None;
        };
        let share = f64::from(share.parts_per_billion()) / 1e9;
        if share <= chance.outage_share() {
            return Some(0.0);
        }
        let (mut low, mut high) = (0.0, chance.ceiling);
        // Halved until an f64 has no more halves to give.
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            match chance.below(middle) < share {
                true => low = middle,
                false => high = middle,
            }
        }
        Some(high)
    }

    /// The share of the time in which nothing passes: outages, and gaps at reconfigurations.
    #[must_use]
    pub fn silence(&self) -> f64 {
        match self.shape {
            Shape::Chance(chance) => {
                let gaps = chance.reconfigured.map_or(0.0, |it| it.gap / it.every);
                1.0 - (1.0 - chance.outage_share()) * (1.0 - gaps)
            }
            _ => 0.0,
        }
    }

    /// How far the logarithm of the rate now tells that of the rate `lag` later: 1 for all of it, 0
    /// for nothing. Outages, gaps and the ceiling left aside. `None` for shapes not left to chance.
    #[must_use]
    pub fn autocorrelation(&self, lag: Duration) -> Option<f64> {
        let Shape::Chance(chance) = self.shape else {
            return None;
        };
        Some(chance.covariance(lag.as_secs_f64()) / chance.covariance(0.0))
    }
}

impl Chance {
    fn outage_share(&self) -> f64 {
        self.outage.map_or(0.0, |it| it.lasts / (it.after + it.lasts))
    }

    fn blocked_share(&self) -> f64 {
        self.blocked.map_or(0.0, |it| it.lasts / (it.after + it.lasts))
    }

    fn blocked_level(&self) -> Level {
        self.blocked.map_or(self.usual, |it| it.level)
    }

    /// The share of the time in which the rate is below this one.
    fn below(&self, rate: f64) -> f64 {
        let drawn = self.reconfigured.map_or(0.0, |it| it.spread);
        let of = |level: Level| {
            let spread = (level.spread * level.spread + drawn * drawn).sqrt();
            let z = libm::log(rate / level.median) / spread;
            0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
        };
        let blocked = self.blocked_share();
        let open = (1.0 - blocked) * of(self.usual) + blocked * of(self.blocked_level());
        self.outage_share() + (1.0 - self.outage_share()) * open
    }

    /// Of the logarithms of two rates so many seconds apart. Level and fade are independent, so the
    /// parts add: that of the medians, of the fade as wide as the regime has it, and of the levels
    /// that last until a reconfiguration.
    fn covariance(&self, lag: f64) -> f64 {
        let (usual, other) = (self.usual, self.blocked_level());
        let share = self.blocked_share();
        let kept = self
            .blocked
            .map_or(0.0, |it| libm::exp(-lag * (1.0 / it.after + 1.0 / it.lasts)));
        let apart = libm::log(usual.median / other.median);
        let medians = share * (1.0 - share) * apart * apart * kept;
        let spread = (1.0 - share) * usual.spread + share * other.spread;
        let wider = usual.spread - other.spread;
        let spreads = spread * spread + share * (1.0 - share) * wider * wider * kept;
        let fade = spreads * libm::exp(-lag / self.memory);
        let levels = self
            .reconfigured
            .map_or(0.0, |it| it.spread * it.spread * (1.0 - lag / it.every).max(0.0));
        medians + fade + levels
    }
}
