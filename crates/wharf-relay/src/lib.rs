//! Relays that carry TCP connections and UDP datagrams over links.
//!
//! A *link* is one arrow of somebody's architecture: a listener of its own, whose connections are
//! carried on to a provider. A [`Relay`] carries many links on one thread, over mio's event loop, with
//! a few others for bulk; and what the network between the two ends does is asked of [`wharf_link`]: one
//! [`Machine`](wharf_link::Machine) a direction, shared by all connections of the link, since a rate is the link's.
//!
//! ```text
//!            link "web -> api"                        segments that links share
//!  client ──▶ [ stages of the connection ] ─▶ [ up machine ] ─▶ [ home ] ─▶ [ backbone ] ──▶ provider
//!         ◀── [ home ] ◀─ [ backbone ] ◀─ [ down machine ] ◀─ [ stages of the connection ] ◀──
//! ```
//!
//! **Without conditions** a direction of a connection has no machine in its way. Small messages are
//! read and written at once; bulk goes from socket to socket through a pipe (`splice`), and the
//! pipe is held only while bytes are in it. An idle connection holds no buffer. The kernel's buffers
//! of connections with this machine itself are kept small, so that bytes are read while the caches have
//! them, and those connections are not paced.
//!
//! **Bulk.** A connection on which a megabyte has passed, and with nothing in its way (no conditions,
//! stages, segments, cut or taps), is handed over as a whole to one of a few other threads, at most
//! one for each core. Before anything of its link changes it is called home, with all that is in its
//! pipe. So one thread at a time knows a connection, no byte overtakes another, and whatever has
//! conditions is on one thread. [`LinkStats::in_bulk`] counts those that are away.
//!
//! **With conditions** bytes are read into memory and stand for packets in the machine: the machine
//! holds lengths, the connection its bytes. A byte enters only against the credit of its own
//! connection (what a link of that rate and delay may hold, or 4 MiB where there is no rate), so a
//! reader that stalls stops nobody else. Connections take turns by deficit round-robin (Shreedhar and
//! Varghese, SIGCOMM 1995).
//!
//! **Stages** ([`Relay::set_stages`]) are what each connection passes on its own: conditions, slicing,
//! limits, time-outs, resets. Whether a stage acts on a connection follows from the seed, the link, the
//! connection's number and the stage's id. They change at any time, also for what is under way in them.
//! Faults that a link's conditions name, and a rate of scope `connection`, are stages too.
//!
//! **Segments** ([`Relay::add_segment`]) are stretches that several links run over, with one queue a
//! direction. What finds no room there waits in turns of its connections, whatever their links are, and
//! is charged to them. A cut of a segment is a hole for all.
//!
//! **TCP** ends at both sides of a relay, so that it cannot lose a byte, and a sender on this machine learns
//! at once that its bytes have come. Where the way takes time, may lose or mark, or a window is given, each
//! direction of a connection has a [`wharf_link::stream::Stream`] that does what the sender would have done:
//! its segments pass the machines, few at first, lost ones pass them again, and what is behind a hole waits
//! for it. Acknowledgements take the latency and the jitter of the way back, and no room on it. Where nothing
//! can be lost, marked or jittered, several segments travel as one train: as many as pass in 100 µs, and 45
//! where there is no rate, so that a window of 64 MiB is really filled. Lost SYNs cost 1, 3, 7 s. One that is
//! lost on the segment of a way is lost there, after it has taken up the link.
//!
//! **Time.** Everything that has a deadline stands in one agenda, and is served in order, each thing at
//! the time at which it was due and not at the time at which the thread woke. The ideal time of a parcel
//! is handed from stage to machine to segment, so that errors never add up. Deadlines are absolute, by
//! timerfd on Linux; after a rest the last microseconds are waited for awake. How late bytes were in the end
//! is in [`LinkStats`].
//!
//! **Changing over**, when conditions come or go, is a matter of order alone: a direction leaves its
//! machine only when nothing of the connection is in it any more.
//!
//! **Ends** travel like bytes, behind the bytes before them: the end of a stream as a half-close, a
//! reset as a reset.
//!
//! **Looking.** A link can be captured into a file ([`Relay::capture`]) and observed
//! ([`Relay::observe`]), at any time. One that nobody looks at pays nothing for it.
//!
//! **What a relay cannot do.** The kernel completes a handshake before the relay hears of it, so
//! `connect()` returns at once. The handshake is carried over the link none the less (SYN up, SYN-ACK
//! down, ACK up), and its round trip is charged to the first byte. A refusal by the provider is seen
//! after accept and becomes a reset. While a provider is known to be down the link does not listen,
//! and keeps its port, so that clients see a true `ECONNREFUSED`. A sender's first megabytes vanish
//! into its own kernel's buffer: rate and latency are true at the receiver. Corruption, duplicates,
//! overtaking and a longest packet are below TCP and do nothing to a connection. Pieces of a slice are
//! written one by one, but a reader that is slower than they come gets several at once. A stage that
//! holds bytes pushes back, so its sender stops when buffers are full; a real black hole would let it
//! time out.
//!
//! # Datagrams
//!
//! A link for UDP ([`Relay::add_datagrams`]) takes datagrams at sockets of its own, and has a *flow* for
//! each client address: one socket towards the provider, so that answers find back, and come from
//! the address that was asked. Flows end when nothing passes, and of too many the quietest is evicted.
//! A datagram is a packet of the link's machine, so loss, copies, flipped bits, overtaking and full
//! queues are real and not modelled. Its length there is that of its IP packet, headers included, and
//! so are `mtu` and `rate` to be understood. Bounds are kept, also of empty datagrams and of the
//! longest, 65,507 bytes (65,527 over IPv6). Marks of ECN are carried, and made.
//!
//! Time counts from when the kernel got a datagram, not from when it was read, so that a busy machine
//! makes a way little longer. Without conditions the machine is passed by. Many are received in one
//! call, and those of one flow and length leave in one.
//!
//! *A provider that is down* is refused by the kernel: clients get a true `ECONNREFUSED`, and the port
//! stays the link's. A reset looks the same, there being no connection to reset. *One that is starting*
//! has a few datagrams of each flow waiting for it. *A port that turns out to be closed* is counted, and
//! the client hears nothing, as behind a firewall: only the kernel could tell it, and it answers for a
//! whole socket. A provider with several addresses is then tried at the next.
//!
//! *What cannot be had here:* a sender never gets `EMSGSIZE` for what is longer than the MTU, it is
//! dropped, as on a path whose routers keep silent (RFC 2923); nothing is cut into fragments, so a
//! datagram is lost or not as a whole; a flipped bit arrives, where a real stack would find the
//! checksum wrong and drop the datagram; and a rate is the link's, whatever its scope.
//!
//! **What it never does:** bind an address (sockets are handed in), block its thread, read ahead
//! without bound, lose or re-order a byte of a connection that lives.
//!
//! The soft limit of open files is raised to the hard one when a relay starts, since a connection
//! takes two. [`descriptor_limit`] says what it was before, for those who start other programs.

mod agenda;
mod chain;
mod chunks;
mod clock;
mod connection;
mod datagram;
mod engine;
mod error;
mod figures;
mod flow;
mod freight;
mod hand;
mod key;
mod lateness;
mod limits;
mod link;
mod listener;
mod meter;
mod pipes;
mod relay;
mod segment;
mod side;
mod socket;
mod spec;
mod stage;
mod stats;
mod tally;
mod tap;
mod tcp;
mod timers;
mod waiting;
mod way;

pub use datagram::{DatagramCounts, DatagramLimits, DatagramSpec, DatagramStats};
pub use error::Error;
pub use lateness::{Lateness, LatenessStats};
pub use limits::descriptor_limit;
pub use relay::Relay;
pub use spec::{Cut, CutDirection, LinkId, LinkSpec, Manner, ParkLimits, Provider, SegmentId, SegmentSpec};
pub use stage::{Effect, OnRemoval, Stage, StageId};
pub use stats::{Causes, LinkStats, SegmentStats};
pub use tap::{CaptureFigures, CaptureFile, CaptureSpec, Observe, ShownPort};
pub use wharf_capture;
