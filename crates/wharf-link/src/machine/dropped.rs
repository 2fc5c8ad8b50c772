//! Packets that were dropped after they had been accepted, for those who want to see them.

use std::collections::VecDeque;
use std::time::Duration;

use super::parcel::Parcel;
use crate::packet::Dropped;
use crate::queue::Lost;

/// So many are kept at the most, in case nobody takes them. More are let go of.
const MOST: usize = 1 << 16;

/// What was dropped inside: let go of, unless it was asked for.
#[derive(Debug, Clone)]
pub(crate) enum DroppedInside<P> {
    LetGo,
    Kept(VecDeque<Dropped<P>>),
}

impl<P> DroppedInside<P> {
    /// A packet was dropped by a queue, at a time that [`at`](Self::at) will say.
    pub(crate) fn add(&mut self, lost: Lost<Parcel<P>>) {
        if let Self::Kept(kept) = self
            && kept.len() < MOST
        {
            kept.push_back(Dropped {
                packet: lost.packet.packet,
                since: lost.since,
                time: Duration::MAX,
                cause: lost.cause,
            });
        }
    }

    /// What was added last was dropped at `time`.
    pub(crate) fn at(&mut self, time: Duration) {
        if let Self::Kept(kept) = self {
            let unknown = kept
                .iter_mut()
                .rev()
                .take_while(|drop| drop.time == Duration::MAX);
            unknown.for_each(|drop| drop.time = time);
        }
    }

    pub(crate) fn keep(&mut self) {
        if let Self::LetGo = self {
            *self = Self::Kept(VecDeque::new());
        }
    }

    pub(crate) fn let_go(&mut self) {
        *self = Self::LetGo;
    }

    pub(crate) fn take(&mut self) -> Option<Dropped<P>> {
        match self {
            Self::LetGo => None,
            Self::Kept(kept) => kept.pop_front(),
        }
    }
}
