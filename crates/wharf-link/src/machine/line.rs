//! The queue and the line behind it: packets leave one after another.

use std::time::Duration;

use super::outages::Outages;
use super::pace::Pace;
use super::parcel::Parcel;
use crate::conditions::Overhead;
use crate::packet::{Overflow, Packet};
use crate::queue::{Load, Lost, Popped, Pushed, Queue, Setup, Verdict};
use crate::random::Seed;

/// Packets that wait, and the one that is being sent.
#[derive(Debug, Clone)]
pub(crate) struct Line<P> {
    queue: Queue<Parcel<P>>,
    pace: Pace,
    overhead: Option<Overhead>,
    /// Where a stream is held. What is sent takes its time in which the link is on.
    holds: Option<Outages>,
    sending: Option<Sending<P>>,
}

/// A packet on the line.
#[derive(Debug, Clone)]
struct Sending<P> {
    parcel: Parcel<P>,
    /// Since when it had waited.
    since: Duration,
    began: Duration,
    done: Duration,
}

/// A packet that has left.
pub(crate) struct Departure<P> {
    pub(crate) parcel: Parcel<P>,
    pub(crate) left: Duration,
    pub(crate) queued: Duration,
    pub(crate) sent: Duration,
}

/// How a line is set.
pub(crate) struct LineSetup {
    pub(crate) queue: Setup,
    pub(crate) pace: Pace,
    pub(crate) overhead: Option<Overhead>,
    pub(crate) holds: Option<Outages>,
}

impl<P: Packet> Line<P> {
    pub(crate) fn new(now: Duration, setup: LineSetup, seed: Seed, overflow: Overflow) -> Self {
        Self {
            queue: Queue::new(now, setup.queue, seed, overflow),
            pace: setup.pace,
            overhead: setup.overhead,
            holds: setup.holds,
            sending: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sending.is_none() && self.queue.is_empty()
    }

    /// How many packets are on it and before it.
    pub(crate) fn len(&self) -> usize {
        self.load().packets
    }

    /// What is on it and before it.
    pub(crate) fn load(&self) -> Load {
        self.queue.load().plus(self.on_line())
    }

    /// The packet that is being sent, and when it will have left.
    pub(crate) fn first(&self) -> Option<(Duration, &Parcel<P>)> {
        self.sending
            .as_ref()
            .map(|sending| (sending.done, &sending.parcel))
    }

    /// How long a packet may be to be taken now.
    pub(crate) fn room(&self) -> u64 {
        self.queue.room(self.on_line())
    }

    pub(crate) fn takes(&self, len: usize) -> bool {
        len == 0 || self.is_empty() || len as u64 <= self.room()
    }

    pub(crate) fn push(
        &mut self,
        now: Duration,
        parcel: Parcel<P>,
        lost: &mut impl FnMut(Lost<Parcel<P>>),
    ) -> Pushed<Parcel<P>> {
        let pushed = self.queue.push(now, parcel, self.on_line(), lost);
        if self.sending.is_none() {
            self.begin(now, lost);
        }
        pushed
    }

    /// Takes out the packet that is being sent, if it has left by `now`; the next one's turn comes at
    /// the instant at which it did.
    pub(crate) fn pop(
        &mut self,
        now: Duration,
        lost: &mut impl FnMut(Lost<Parcel<P>>),
    ) -> Option<Departure<P>> {
        if self.sending.as_ref()?.done > now {
            return None;
        }
        let sending = self.sending.take()?;
        self.begin(sending.done, lost);
        Some(sending.departure())
    }

    /// Takes out everything at `now`, in order: there is no line any more.
    pub(crate) fn drain(mut self, now: Duration) -> impl Iterator<Item = Departure<P>> {
        let first = self.sending.take().map(|mut sending| {
            sending.done = sending.done.min(now).max(sending.began);
            sending.departure()
        });
        let rest = self.queue.drain().map(move |popped| Departure {
            queued: now.saturating_sub(popped.since),
            sent: Duration::ZERO,
            left: now,
            parcel: said(popped),
        });
        first.into_iter().chain(rest)
    }

    /// Sets it anew. The rest of the packet that is being sent goes at the new pace.
    pub(crate) fn set(&mut self, now: Duration, setup: LineSetup) {
        self.queue.set(now, setup.queue);
        let holds = |holds: &Option<Outages>| holds.as_ref().map(Outages::outage);
        let same_holds = holds(&self.holds) == holds(&setup.holds);
        if !same_holds {
            self.holds = setup.holds;
        }
        if !self.pace.differs(&setup.pace) && same_holds {
            self.overhead = setup.overhead;
            return;
        }
        let old = std::mem::replace(&mut self.pace, setup.pace);
        let wire = self.sending.as_ref().map(|sending| self.wire(&sending.parcel));
        self.overhead = setup.overhead;
        let (Some(sending), Some(wire)) = (&mut self.sending, wire) else {
            if let Pace::Rate(new) = &mut self.pace {
                new.begin_empty(now);
            }
            return;
        };
        let done = match (&old, &mut self.pace) {
            (Pace::Rate(old), Pace::Rate(new)) => new.take_over(old, now, sending.done),
            (old, new) => {
                let left = old.left(now, sending.done, wire);
                if let Pace::Rate(new) = new {
                    new.begin_empty(now);
                }
                new.send(now, left)
            }
        };
        sending.done = held(self.holds.as_ref(), &mut self.pace, now, done);
    }

    /// Nothing has moved from `since` until `now`.
    pub(crate) fn postpone(&mut self, since: Duration, now: Duration) {
        let by = now.saturating_sub(since);
        self.queue.shift(by);
        let wire = self.sending.as_ref().map(|sending| self.wire(&sending.parcel));
        let (Some(sending), Some(wire)) = (&mut self.sending, wire) else {
            return;
        };
        sending.since = sending.since.saturating_add(by);
        sending.began = sending.began.saturating_add(by);
        let done = match &self.pace {
            Pace::Rate(_) => {
                self.pace.postpone(by);
                sending.done.saturating_add(by)
            }
            // A trace has not waited.
            Pace::Trace(_) => {
                let left = self.pace.left(since, sending.done, wire);
                self.pace.rest();
                self.pace.send(now, left)
            }
        };
        sending.done = match &self.holds {
            None => done,
            Some(holds) => holds.settle(done),
        };
    }

    fn on_line(&self) -> Load {
        self.sending
            .as_ref()
            .map_or(Load::NONE, |sending| Load::of(&sending.parcel))
    }

    fn begin(&mut self, now: Duration, lost: &mut impl FnMut(Lost<Parcel<P>>)) {
        let Some(popped) = self.queue.pop(now, lost) else {
            self.pace.rest();
            return;
        };
        let since = popped.since;
        let parcel = said(popped);
        let done = self.pace.send(now, self.wire(&parcel));
        let done = held(self.holds.as_ref(), &mut self.pace, now, done);
        self.sending = Some(Sending {
            parcel,
            since,
            began: now,
            done,
        });
    }

    /// How many bytes a packet takes on the wire; a pair, twice as many.
    fn wire(&self, parcel: &Parcel<P>) -> u64 {
        let one = parcel.packet.len() as u64;
        let one = self.overhead.map_or(one, |overhead| overhead.on_wire(one));
        one << u32::from(parcel.duplicate)
    }
}

impl<P> Sending<P> {
    fn departure(self) -> Departure<P> {
        Departure {
            parcel: self.parcel,
            left: self.done,
            queued: self.began.saturating_sub(self.since),
            sent: self.done.saturating_sub(self.began),
        }
    }
}

/// When something is done that begins at `now` and would be done at `done` were the link always on.
fn held(holds: Option<&Outages>, pace: &mut Pace, now: Duration, done: Duration) -> Duration {
    let Some(holds) = holds.filter(|_| done != Duration::MAX) else {
        return done;
    };
    match pace {
        Pace::Rate(_) => {
            let later = holds.after(now, done.saturating_sub(now));
            pace.postpone(later.saturating_sub(done));
            later
        }
        Pace::Trace(_) => holds.settle(done),
    }
}

/// The parcel, with what the discipline says of it.
fn said<P>(popped: Popped<Parcel<P>>) -> Parcel<P> {
    let mut parcel = popped.packet;
    match popped.verdict {
        Verdict::Forward => {}
        Verdict::Mark => parcel.ce = true,
        Verdict::Drop => parcel.lost = true,
    }
    parcel
}
