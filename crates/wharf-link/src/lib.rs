//! What a network does to traffic, as a pure machine.
//!
//! A [`Machine`] is one direction of a link. Packets are offered to it, and it says when which of
//! them come out at the far end. It has no clock, no socket, no thread and no file: the carrier
//! tells it the time, and anything that can carry (a relay of TCP connections, a switch between
//! network namespaces, a test in virtual time) can drive it. In this it is like the protocol
//! machines of quinn-proto and str0m.
//!
//! ```text
//!  offer ─▶ cut ─▶ outage ─▶ MTU ─▶ loss ─▶ corrupt ─▶ duplicate ─┐
//!                                                                 │
//!        ┌────────────────────────────────────────────────────────┘
//!        └─▶ queue ──────────▶ rate ───────────▶ latency ─▶ reorder ─▶ poll
//!            (discipline,      (burst, overhead;  + jitter
//!             limit)            or a trace)
//! ```
//!
//! **Packets** ([`Overflow::Drop`]) may be dropped at each box up to the queue, and inside it by the
//! discipline; a drop says its [`Cause`]. What is dropped at the entrance is handed back, and what is dropped inside
//! to those who ask for it ([`Machine::keep_dropped`]). A packet that is duplicated travels as a pair: it takes twice
//! its length of queue and rate, and arrives once, as [`Delivery::duplicate`], for the carrier to copy.
//! A flipped bit is [`Delivery::corrupt`], a congestion mark [`Delivery::ce`]. The machine never looks into a
//! packet and needs not copy one.
//!
//! **Streams** ([`Overflow::PushBack`]) have retransmission below them. Of a stream nothing is dropped,
//! duplicated, corrupted or re-ordered, and it has no MTU: loss and the disciplines' drops are told as
//! [`Delivery::lost`], and the carrier makes of them what TCP would have made. An outage holds a stream
//! as a cut does: nothing enters, and what is under way moves only while the link is on.
//!
//! **Time** is a [`Duration`](std::time::Duration) since the link began, passed in by the carrier, and each packet
//! carries its *ideal* time from stage to stage. A carrier that wakes late delivers late, and the
//! next packet's time is not moved by it: errors never add up.
//!
//! **Chance** is a function of (seed, purpose, packet number), not a generator with a state, and uses
//! only + − × ÷ √ and the pure-Rust `libm`. Same seed and same offers give the same deliveries, bit
//! for bit, on every platform. Each impairment has a purpose of its own, and every packet has its number
//! before anything can happen to it: turning one impairment on or off changes no draw of another. What
//! carries a state from packet to packet says so: the chains of loss carry which state they are in, and
//! correlated jitter has a past of bounded length, so that any packet's is found without all before it.
//!
//! **Live.** [`Machine::set_conditions`] takes effect at that instant. What is in flight keeps the
//! arrival time it was given, what is being sent finishes at the new rate, and what comes later
//! never overtakes, unless that is asked for ([`Order::Free`], [`Reorder`], FQ-CoDel between flows).
//!
//! **Bounded.** Before a rate there is a queue with a limit. A link without a rate has no queue, and
//! what is under way is bounded by [`DELAY_LINE`]. A machine that is full drops ([`Overflow::Drop`])
//! or pushes back ([`Overflow::PushBack`]).
//!
//! **Counted.** [`Counters`] attribute each drop and each delay to its cause.
//!
//! **Segments.** A stretch of network that several links share is a [`Machine`] too: what comes out of a
//! link is offered to it at its ideal time.
//!
//! **Cut.** A cut stands at the entrance. Packets that come to it are dropped, those past it arrive.
//! A stream has retransmission below it, so nothing of it is lost: it is held, with what was under
//! way, as if time stood still until the link is healed.
//!
//! **Traces** ([`trace`]) say from millisecond to millisecond what may leave: recorded ones, in Mahimahi's
//! format, and ones made up by documented models of kinds of networks.
//!
//! **TCP** ([`stream`]) stands at both ends of a stream, and a carrier that ends TCP itself cannot lose a byte of
//! them. What their senders would have made of a loss is modelled beside the machine, for each
//! connection on its own.
//!
//! What this crate never does: read a clock, draw from the system's randomness, block, print, or
//! look at what is in a packet.

mod conditions;
mod counters;
mod machine;
mod packet;
mod profiles;
pub mod queue;
mod random;
pub mod stream;
pub mod trace;
mod units;

pub use conditions::{
    Bursts, Cell, CoDel, Conditions, Congestion, Discipline, Distribution, Ecn, Effect, Flows, FqCoDel,
    GilbertElliott, Jitter, Key, KeyHelp, Loss, Markov, Mtu, Order, Outage, Overhead, Patch, Pie, QueueLimit,
    Recording, Red, Reorder, Scope, Settings, SettingsError, SliceSize, StreamFault, StreamModel, Table,
    TooBig, Turns,
};
pub use counters::Counters;
pub use machine::{DELAY_LINE, Machine};
pub use packet::{Cause, Delivery, Dropped, Offer, Overflow, Packet};
pub use profiles::{Profile, Source, profiles};
pub use random::Seed;
pub use trace::Trace;
pub use units::{Correlation, Latency, Length, Probability, Rate, Size, UnitError};
