//! What passes on a link, as packets in a file and as requests in a ring.
//!
//! A carrier sees bytes and knows when. This crate makes of that what people look at:
//!
//! ```text
//!                     ┌─▶ synth ──▶ pcapng ──▶ bytes of a file, for Wireshark and its kin
//!  bytes and times ───┤
//!                     └─▶ observe ──▶ Exchange ──▶ ring, for the dashboard
//! ```
//!
//! [`synth`] makes up the packets of a TCP conversation or of UDP datagrams, with true times and with
//! the sequence numbers, acknowledgements and checksums that make an analyser follow it. [`pcapng`]
//! writes packets, made up or real, into a capture file.
//!
//! [`hello`] reads what a TLS client says in the clear. [`observe`] follows the protocol that two programs speak (HTTP/1.1, HTTP/2, Redis, PostgreSQL, MySQL,
//! and the first words of TLS) and hands on an [`Exchange`] for each request and its answer. A [`Ring`]
//! keeps the last of them, numbered, so that a reader can ask what is new.
//!
//! **Secrets** are left out unless asked for: values of header fields, query parameters, commands and
//! statements whose names promise one. What authenticates a connection to a database is never kept.
//! Bodies are kept only when asked for. A capture file has everything in it, as every capture has.
//!
//! **Foreign bytes** may be anything. An observer holds a bounded number of them, never panics, and
//! gives up, for good and at no further cost, where it does not understand. It also says which bytes it
//! does not need to see, so that bulk can take the fast way.
//!
//! What this crate never does: read a clock, open a file, allocate what a peer says it should, or
//! change what passes.

mod direction;
mod exchange;
pub mod hello;
pub mod observe;
pub mod pcapng;
mod redact;
mod ring;
pub mod synth;
mod time;

pub use direction::Direction;
pub use exchange::{Exchange, Message, Outcome, Protocol, Status};
pub use ring::{News, Ring, RingLimits};
pub use time::Timestamp;
