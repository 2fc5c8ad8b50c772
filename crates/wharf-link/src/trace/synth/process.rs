//! The rate from slot to slot. Every draw is a function of the seed, its purpose and the slot.

use super::model::{Chance, Shape, Swing};
use super::{SLOT, SLOT_MILLIS};
use crate::random::{Purpose, Seed, draw, normal, open_unit};

/// A tenth of a second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    /// Bits a second.
    pub(super) bits: u64,
    /// For how many milliseconds of it nothing passes, at its beginning.
    pub(super) silent: u32,
}

impl Slot {
    pub(super) fn mean(self) -> f64 {
        let open = f64::from(SLOT_MILLIS - self.silent) / f64::from(SLOT_MILLIS);
        self.bits as f64 * open
    }
}

/// All slots, one after another.
pub(super) struct Slots {
    shape: Shape,
    seeds: Seeds,
    index: u64,
    fade: f64,
    level: f64,
    blocked: bool,
    out: bool,
    gap: u32,
}

struct Seeds {
    fade: Seed,
    level: Seed,
    gap: Seed,
    blocked: Seed,
    out: Seed,
}

impl Slots {
    pub(super) fn new(shape: Shape, seed: Seed) -> Self {
        let seeds = Seeds {
            fade: seed.derive("fade"),
            level: seed.derive("level"),
            gap: seed.derive("gap"),
            blocked: seed.derive("blocked"),
            out: seed.derive("out"),
        };
        Self {
            shape,
            seeds,
            index: 0,
            fade: 0.0,
            level: 0.0,
            blocked: false,
            out: false,
            gap: 0,
        }
    }

    fn chance(&mut self, chance: Chance) -> Slot {
        self.fade = self.next_fade(chance.memory);
        if let Some(blocked) = chance.blocked {
            self.blocked = self.turns(self.blocked, self.seeds.blocked, blocked.after, blocked.lasts);
        }
        if let Some(outage) = chance.outage {
            self.out = self.turns(self.out, self.seeds.out, outage.after, outage.lasts);
        }
        if let Some(reconfigured) = chance.reconfigured {
            let every = ((reconfigured.every / SLOT.as_secs_f64()) as u64).max(1);
            if self.index.is_multiple_of(every) {
                let number = self.index / every;
                self.level = reconfigured.spread * self.normal(self.seeds.level, number);
                let gap = -libm::log(self.unit(self.seeds.gap, number)) * reconfigured.gap;
                self.gap = (gap * 1e3) as u32;
            }
        }
        let silent = self.gap.min(SLOT_MILLIS);
        self.gap -= silent;
        if self.out {
            return Slot::default();
        }
        let level = match chance.blocked {
            Some(blocked) if self.blocked => blocked.level,
            _ => chance.usual,
        };
        let rate = level.median * libm::exp(level.spread * self.fade + self.level);
        let bits = rate.min(chance.ceiling) as u64;
        Slot { bits, silent }
    }

    /// An Ornstein–Uhlenbeck process, exactly, at the slots: correlated by exp(−t ÷ memory).
    fn next_fade(&self, memory: f64) -> f64 {
        let fresh = self.normal(self.seeds.fade, self.index);
        if self.index == 0 {
            return fresh;
        }
        let kept = libm::exp(-SLOT.as_secs_f64() / memory);
        kept * self.fade + (1.0 - kept * kept).sqrt() * fresh
    }

    /// Two states with exponential stays, sampled at the slots: whether the second is in force now.
    fn turns(&self, second: bool, seed: Seed, after: f64, lasts: f64) -> bool {
        let drawn = self.unit(seed, self.index);
        let share = lasts / (after + lasts);
        if self.index == 0 {
            return drawn < share;
        }
        let mixed = 1.0 - libm::exp(-SLOT.as_secs_f64() * (1.0 / after + 1.0 / lasts));
        let other = if second { 1.0 - share } else { share };
        second != (drawn < other * mixed)
    }

    fn normal(&self, seed: Seed, number: u64) -> f64 {
        normal(draw(seed, Purpose::Trace, number))
    }

    fn unit(&self, seed: Seed, number: u64) -> f64 {
        open_unit(draw(seed, Purpose::Trace, number)[0])
    }

    /// How far into its swing a slot is, from 0 to just under 1.
    fn phase(&self, swing: Swing) -> f64 {
        let every = (swing.every.as_millis() / u128::from(SLOT_MILLIS)).max(1);
        let place = u128::from(self.index) % every;
        place as f64 / every as f64
    }
}

impl Iterator for Slots {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let slot = match self.shape {
            Shape::Constant(rate) => steady(rate.bits()),
            Shape::Sawtooth(swing) => {
                let (low, high) = (swing.low.bits() as f64, swing.high.bits() as f64);
                steady((low + (high - low) * self.phase(swing)) as u64)
            }
            Shape::Square(swing) if self.phase(swing) < 0.5 => steady(swing.low.bits()),
            Shape::Square(swing) => steady(swing.high.bits()),
            Shape::Chance(chance) => self.chance(chance),
        };
        self.index += 1;
        Some(slot)
    }
}

fn steady(bits: u64) -> Slot {
    Slot { bits, silent: 0 }
}
