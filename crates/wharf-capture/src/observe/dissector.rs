//! What every protocol's observer does.

use std::fmt::Debug;

use super::{Options, Sink};
use crate::Timestamp;
use crate::direction::Direction;
use crate::exchange::{Exchange, Protocol};

/// What a dissector knows of its connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    pub(super) connection: u64,
    pub(super) options: Options,
}

impl Context {
    /// An exchange that begins.
    pub(super) fn begin(self, protocol: Protocol, moment: Moment) -> Exchange {
        Exchange::begin(self.connection, protocol, moment.first)
    }
}

/// When bytes came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// The first of them.
    pub(super) first: Timestamp,
    /// The last.
    pub(super) now: Timestamp,
}

/// What a dissector made of the bytes it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It needs more of them. They will be shown again, with those that follow.
    More,
    /// So many, and not none, have been understood.
    Take(usize),
    /// The same, and the `skip` bytes behind them need not be shown.
    Skip { take: usize, skip: u64 },
    /// It understands no more of this connection.
    GiveUp,
}

/// Finds the exchanges of one protocol.
///
/// What it makes of bytes must not depend on how many follow them: of a longer piece it takes what it
/// would have taken of a shorter one.
pub(super) trait Dissector: Debug + Send {
    fn protocol(&self) -> Protocol;

    /// Shows the bytes of a direction from where it has come to. They are not none.
    fn step(&mut self, direction: Direction, bytes: &[u8], moment: Moment, sink: &mut Sink<'_>) -> Step;

    /// Some of the bytes to be skipped have passed; `left` are to come.
    fn passed(&mut self, direction: Direction, count: u64, left: u64, now: Timestamp, sink: &mut Sink<'_>);

    /// A direction has ended in good order, perhaps amid a message.
    fn ended(&mut self, _direction: Direction, _now: Timestamp, _sink: &mut Sink<'_>) {}

    /// Hands on what is under way, as far as it came.
    fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>);
}
