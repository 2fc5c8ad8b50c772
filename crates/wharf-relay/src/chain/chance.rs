//! Which stages act on a connection.

use wharf_link::{Probability, Seed};

use super::plan::{Planned, PostId};

/// The chance of one direction of one connection: a function of the link's seed, the connection's
/// number and the stage, so that a run can be had again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    seed: Seed,
    connection: u64,
}

impl Chance {
    /// `seed` is the direction's.
    pub(crate) fn new(seed: Seed, connection: u64) -> Self {
        Self { seed, connection }
    }

    /// Whether a stage acts on the connection. The number drawn is the same whatever the toxicity, so
    /// that raising it adds connections and leaves none out.
    pub(crate) fn hits(&self, stage: &Planned) -> bool {
        drawn(stage.toxicity, || self.of(stage.id).derive("toxicity"))
    }

    /// Whether the connection is of the share that meets the link's loss.
    pub(crate) fn meets_loss(&self, share: Probability) -> bool {
        drawn(share, || {
            self.seed.derive(&format!("connection {} loss", self.connection))
        })
    }

    /// The seed of a stage of the connection.
    pub(crate) fn of(&self, stage: PostId) -> Seed {
        self.seed
            .derive(&format!("connection {} {stage:?}", self.connection))
    }
}

/// Whether what has this chance comes about, by this seed.
fn drawn(chance: Probability, seed: impl FnOnce() -> Seed) -> bool {
    match chance {
        Probability::ALWAYS => true,
        Probability::NEVER => false,
        chance => {
            // Scaled from 2⁶⁴ to parts per billion, without floats.
            let parts = (u128::from(seed().0) * u128::from(Probability::ALWAYS.parts_per_billion())) >> 64;
            parts < u128::from(chance.parts_per_billion())
        }
    }
}
