//! IP packets as slices: what a router, a translator and a network card do to them, as pure functions
//! of bytes.
//!
//! ```text
//!                     ┌─▶ Segments ──▶ pieces of one MSS ─┐
//!  bytes of a TUN ─▶ VnetHeader                           ├─▶ Packet ─▶ five_tuple, flow, ecn, …
//!                     └─▶ complete_checksum ──────────────┘    PacketMut ─▶ ttl, ce, rewrite, echo
//!                                                              Fragments, icmp::error, flip_bit
//! ```
//!
//! **Reading.** [`Packet::parse`] finds where things are, once; every later look is an addition. A
//! packet is what routing needs to be right: one whose TCP header makes no sense is carried on, and
//! [`Transport::Truncated`] says so. IPv6 extension headers are walked, at most 16 of them.
//!
//! **Offload.** A kernel hands TCP to a device in pieces of up to 64 KiB, with a checksum that is not
//! complete. [`VnetHeader`] says what is still to be done. Where each packet must meet its own fate
//! (loss, delay, a bit that flips), [`Segments`] cuts it as the kernel would have, with one copy.
//!
//! **Changing.** [`PacketMut`] takes hops, sets congestion marks, answers pings and rewrites addresses
//! and ports. Checksums follow by RFC 1624, from the difference alone: a packet that was corrupted before stays
//! corrupted, and a partial checksum stays partial.
//!
//! **Answering.** [`icmp::error`] makes the errors that routers send, and refuses where RFC 1122 and RFC
//! 4443 do: an error about an error would go on for ever. [`ErrorBudget`] bounds how many are sent.
//!
//! **Foreign bytes** may be anything. Nothing here panics on them, reads beyond them, or loops longer than
//! they are. Nothing allocates: what is made is written into the caller's buffer.
//!
//! What this crate never does: keep a packet, put fragments together, answer for a host (there is no TCP
//! here), read a clock, or look at what a transport carries.

mod budget;
mod checksum;
mod ecn;
mod edit;
mod flow;
mod fragment;
pub mod icmp;
mod layout;
mod packet;
mod protocol;
mod rewrite;
mod segment;
mod transport;
mod vnet;
mod wire;

pub use budget::ErrorBudget;
pub use checksum::{Sum, updated};
pub use ecn::Ecn;
pub use edit::{PacketMut, Ttl, flip_bit};
pub use flow::FiveTuple;
pub use fragment::{FragmentError, Fragments};
pub use layout::{Fragment, Malformed, Version};
pub use packet::{Packet, Verdict};
pub use protocol::Protocol;
pub use rewrite::{End, RewriteError};
pub use segment::{SegmentError, Segments, TooSmall};
pub use transport::{Icmp, IcmpKind, Tcp, TcpFlags, Transport, Udp};
pub use vnet::{Checksum, Gso, VnetError, VnetHeader};
