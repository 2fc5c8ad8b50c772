//! What chance does to single packets: loss, corruption, duplication, reordering.
//!
//! Each has random numbers of its own, under the packet's number. So turning one on or off changes
//! nothing about the others.

use super::chance::Chance;
use super::losses::Losses;
use super::parcel::Parcel;
use crate::conditions::{Conditions, Loss, Reorder};
use crate::packet::Packet;
use crate::random::{self, Purpose, Seed};

/// The impairments, running.
#[derive(Debug, Clone)]
pub(crate) struct Fates {
    /// The losses as they are written, by which a change of them is known.
    loss: Option<Loss>,
    losses: Option<Losses>,
    corrupt: Chance,
    duplicate: Chance,
    reorder: Option<Reorder>,
    /// How many packets have left since one overtook.
    since_reordered: u32,
}

impl Fates {
    pub(crate) fn new(conditions: &Conditions) -> Self {
        let chance = |chance: Option<_>| chance.map_or(Chance::NEVER, Chance::from);
        Self {
            losses: conditions.loss.as_ref().map(Losses::new),
            loss: conditions.loss.clone(),
            corrupt: chance(conditions.corrupt),
            duplicate: chance(conditions.duplicate),
            reorder: conditions.reorder,
            since_reordered: 0,
        }
    }

    /// The same for other conditions. Losses that stay as they are go on where they stand.
    pub(crate) fn set(&mut self, conditions: &Conditions) {
        let old = std::mem::replace(self, Self::new(conditions));
        if old.loss == self.loss {
            self.losses = old.losses;
        }
        self.since_reordered = old.since_reordered;
    }

    /// Whether packet number `index` is lost. To be asked once for each, in their order.
    pub(crate) fn loses(&mut self, seed: Seed, index: u64) -> bool {
        self.losses
            .as_mut()
            .is_some_and(|losses| losses.loses(seed, index))
    }

    /// Corrupts and duplicates.
    pub(crate) fn befall<P: Packet>(&self, seed: Seed, parcel: &mut Parcel<P>) {
        if self.corrupt != Chance::NEVER {
            let [chance, bit] = random::draw(seed, Purpose::Corrupt, parcel.index);
            let bits = parcel.packet.len() as u128 * 8;
            if self.corrupt.hits(chance) && bits > 0 {
                // Below the number of bits, which fits.
                parcel.corrupt = Some(((u128::from(bit) * bits) >> 64) as u64);
            }
        }
        if self.duplicate != Chance::NEVER {
            let [chance, _] = random::draw(seed, Purpose::Duplicate, parcel.index);
            parcel.duplicate = self.duplicate.hits(chance);
        }
    }

    /// Whether a packet that leaves now overtakes those before it.
    pub(crate) fn overtakes(&mut self, seed: Seed, index: u64) -> bool {
        let Some(reorder) = self.reorder else {
            return false;
        };
        self.since_reordered = self.since_reordered.saturating_add(1);
        let may = self.since_reordered >= reorder.gap.get();
        let [chance, _] = random::draw(seed, Purpose::Reorder, index);
        let does = may && Chance::from(reorder.probability).hits(chance);
        if does {
            self.since_reordered = 0;
        }
        does
    }

    pub(crate) fn reorders(&self) -> bool {
        self.reorder.is_some()
    }
}
