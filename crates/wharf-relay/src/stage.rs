//! Stages: what a connection passes on its own, before the link that it shares with others.

use std::fmt;
use std::time::Duration;

use wharf_link::{Conditions, Probability, Size};

/// Names a stage of a link's direction across changes: a stage that is set again under the same id
/// keeps what it knows of each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(pub u64);

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that each connection of a link passes on its own, in one direction.
///
/// Stages stand one after the other, the first nearest to the sender. They act on bytes and on the
/// end of the stream; the making of a connection passes them untouched.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Which stage it is, among those of its link and direction.
    pub id: StageId,
    /// How many of the connections it acts on. Whether on this one follows from the seed, the link,
    /// the connection's number and the id; it does not change while the toxicity stays.
    pub toxicity: Probability,
    /// What it does.
    pub effect: Effect,
}

/// What a stage does to its connection. Toxiproxy's toxics, but for what is said here.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a connection has few stages, and conditions are what most of them are"
)]
pub enum Effect {
    /// A network of the connection's own.
    Conditions(Conditions),
    /// Cuts the bytes into pieces of `average` ± `vary` bytes, and waits for `delay` after each.
    Slice {
        /// The average length of a piece; nothing is taken as one byte.
        average: Size,
        /// How far a length may be from the average, each as likely as the other.
        vary: Size,
        /// The time after each piece.
        delay: Duration,
    },
    /// Lets so many bytes pass, and then closes the connection, both ways. With none allowed it
    /// closes at the first byte.
    Limit(Size),
    /// Holds the end of the stream back for so long.
    SlowClose(Duration),
    /// Lets nothing pass, and closes the connection once the stage has been there for `after`.
    Timeout {
        /// How long. `None`: it never closes.
        after: Option<Duration>,
        /// What becomes of the connection when the stage is taken away before.
        on_removal: OnRemoval,
    },
    /// Lets nothing pass, and resets the connection so long after the first byte, or the end, that
    /// comes to it.
    Reset(Duration),
    /// Nothing.
    Noop,
}

/// What becomes of a connection that a [`Effect::Timeout`] has held, when the stage is taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnRemoval {
    /// What was held passes on, and nothing was lost. While it is held the sender is pushed back.
    #[default]
    Resume,
    /// The connection is closed, as Toxiproxy does. What comes to the stage is swallowed, so that
    /// the sender notices nothing; a sender that ends closes the connection too, since nothing more
    /// can come of it.
    Close,
}
