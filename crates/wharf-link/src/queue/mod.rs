//! The queue before the rate of a link.
//!
//! A [`Queue`] holds the packets that wait for their turn, and its discipline says which of them
//! are dropped, which are marked, and whose turn it is. It is a pure machine, and knows neither the
//! line nor its speed: the transmitter behind it asks for the next packet.
//!
//! ```text
//!                       ┌── refused: full, or by the discipline
//!  push(now, packet) ───┤
//!                       └──▶ ┌─────────┐
//!                            │ waiting │ ──▶ pop(now): forward, mark, (drop)
//!                            └─────────┘
//!                                 └──────▶ lost: pushed out, or dropped at the head
//! ```
//!
//! | discipline | decides | by |
//! | --- | --- | --- |
//! | drop-tail | on arrival | the limit |
//! | drop-head | on arrival, against the oldest | the limit |
//! | RED | on arrival | the average length; chance |
//! | CoDel (RFC 8289) | on departure | how long packets have waited |
//! | PIE (RFC 8033) | on arrival | latency against its target; chance |
//! | FQ-CoDel (RFC 8290) | on departure, a queue for each flow | how long packets have waited |
//!
//! **Ideal time.** The transmitter calls [`pop`](Queue::pop) with the ideal time at which the line
//! became free, whether or not anything waits, and before it pushes what came later; never with the
//! time at which it happened to wake. So what a discipline decides does not hang on how well the
//! carrier is scheduled. Nothing is due in between: a queue needs no timer.
//!
//! **The line.** What the transmitter has popped and not yet sent is on the line. It counts towards
//! the limit, so the transmitter says with each push how much that is. It does not count as
//! waiting, and is out of the discipline's reach, as on a real interface.
//!
//! **Streams.** A queue that pushes back ([`Overflow::PushBack`]) drops nothing. What does not fit is
//! refused, and what a discipline would have dropped comes out in its turn with [`Verdict::Drop`],
//! for the model of its sender to act upon.
//!
//! **Live.** [`Queue::set`] loses nothing. What waits keeps its order, too, but FQ-CoDel may then let
//! flows overtake each other, which is what it is for. Order within a flow is kept always.
//!
//! **Bounded**, by the limit. A limit that is lowered below what waits drops nothing at once; but
//! what comes next does not make the queue any longer.
//!
//! ```
//! use std::time::Duration;
//! use wharf_link::queue::{Load, Popped, Pushed, Queue, Setup, Verdict};
//! use wharf_link::{Overflow, Packet, QueueLimit, Rate, Seed};
//!
//! #[derive(Debug, PartialEq)]
//! struct Ping;
//! impl Packet for Ping {
//!     fn len(&self) -> usize { 64 }
//! }
//!
//! let setup = Setup {
//!     discipline: "fq-codel target 10ms ecn".parse()?,
//!     limit: QueueLimit::Packets(100),
//!     rate: Rate::kbit(1_000),
//! };
//! let mut queue = Queue::new(Duration::ZERO, setup, Seed(1), Overflow::Drop);
//! let mut lost = |lost| panic!("{lost:?}");
//!
//! let came = Duration::from_millis(3);
//! let pushed = queue.push(came, Ping, Load::NONE, &mut lost);
//! assert_eq!(pushed, Pushed::Queued);
//!
//! // 64 bytes at 1 Mbit/s keep the line busy for half a millisecond; then it may ask again.
//! let popped = queue.pop(came, &mut lost);
//! assert_eq!(popped, Some(Popped { packet: Ping, since: came, verdict: Verdict::Forward }));
//! assert_eq!(queue.pop(came + Duration::from_micros(512), &mut lost), None);
//! # Ok::<(), wharf_link::UnitError>(())
//! ```

mod codel;
mod drop_head;
mod drop_tail;
mod fq_codel;
mod outcome;
mod pie;
mod policy;
mod red;
mod single;
mod waiting;

use std::time::Duration;

pub use outcome::{Load, Lost, Popped, Pushed, Verdict};

use self::policy::{Kind, Policy};
use self::waiting::{Gate, Waiting};
use crate::conditions::{Discipline, QueueLimit};
use crate::packet::{Cause, Overflow, Packet};
use crate::random::Seed;
use crate::units::Rate;

/// How a queue is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Who is dropped, who is marked, whose turn it is.
    pub discipline: Discipline,
    /// How much may wait, with what is on the line.
    pub limit: QueueLimit,
    /// How fast the line is, in the mean. Only RED asks, to let its average fall while nothing comes.
    pub rate: Rate,
}

/// Packets that wait for the line, under a discipline.
#[derive(Debug, Clone)]
pub struct Queue<P> {
    kind: Kind<P>,
    setup: Setup,
    overflow: Overflow,
    seed: Seed,
    /// The number of the next packet.
    number: u64,
}

impl<P: Packet> Queue<P> {
    /// An empty queue. The seed must be this direction's own: see [`Seed::derive`].
    #[must_use]
    pub fn new(now: Duration, setup: Setup, seed: Seed, overflow: Overflow) -> Self {
        Self {
            kind: Kind::new(now, &setup, seed),
            setup,
            overflow,
            seed,
            number: 0,
        }
    }

    /// Lets a packet in, or refuses it. `line` is what has been popped and is not sent yet. A packet
    /// that goes in may push out others, or even itself (FQ-CoDel drops from the longest queue, which
    /// may be its own); `lost` gets those.
    pub fn push(
        &mut self,
        now: Duration,
        packet: P,
        line: Load,
        lost: &mut impl FnMut(Lost<P>),
    ) -> Pushed<P> {
        let gate = self.gate(line);
        // A packet that will be offered again has not come yet: no discipline may count it.
        if self.overflow == Overflow::PushBack && !gate.admits(self.load(), packet.len() as u64) {
            return Pushed::Refused(packet, Cause::Queue);
        }
        let waiting = Waiting {
            packet,
            since: now,
            number: self.number,
            verdict: Verdict::Forward,
        };
        self.number += 1;
        self.kind.push(waiting, gate, lost)
    }

    /// Takes out the packet whose turn it is at `now`, the time at which the line became free.
    /// `lost` gets those before it that were dropped. `None`: nothing waits, and the line is idle.
    pub fn pop(&mut self, now: Duration, lost: &mut impl FnMut(Lost<P>)) -> Option<Popped<P>> {
        self.kind.pop(now, self.overflow, lost).map(Waiting::popped)
    }

    /// How long a packet may be that [`push`](Self::push) would not refuse for want of room. A link
    /// on which there is nothing has room for 1500 bytes at the least.
    #[must_use]
    pub fn room(&self, line: Load) -> u64 {
        self.gate(line).room(self.load())
    }

    /// What waits.
    #[must_use]
    pub fn load(&self) -> Load {
        self.kind.load()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.load().packets == 0
    }

    /// How it is set.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Sets it anew at `now`. What waits goes on waiting, in its order. A discipline that stays goes
    /// on with what it knows, and one that comes starts afresh.
    pub fn set(&mut self, now: Duration, setup: Setup) {
        self.setup = setup;
        if !self.kind.retune(now, &setup) {
            let waiting = self.kind.take();
            self.kind = Kind::new(now, &setup, self.seed);
            for waiting in waiting {
                self.kind.restore(waiting);
            }
        }
    }

    /// Everything happens so much later: time stood still for the queue, as it does for a stream that
    /// is cut.
    pub fn shift(&mut self, by: Duration) {
        self.kind.shift(by);
    }

    /// Takes out everything that waits, in the order in which it came.
    pub fn drain(&mut self) -> impl Iterator<Item = Popped<P>> + use<P> {
        self.kind.take().into_iter().map(Waiting::popped)
    }

    const fn gate(&self, line: Load) -> Gate {
        Gate {
            limit: self.setup.limit,
            line,
            overflow: self.overflow,
        }
    }
}
