//! What is spoken at an address of this machine.
//!
//! Somebody has `127.0.0.1:62893` and wants to know what answers there. This crate finds it out in two
//! steps, of which the first may be enough.
//!
//! **Guess.** [`guess`] looks at the [`Owner`] alone: do its arguments give this port to a debugger; is
//! it a program that speaks one protocol; whose is the port by custom. It is pure. It also says
//! whether the listener may be connected to at all ([`Touch`]): a debugger with one slot would be
//! taken by whoever comes, MySQL counts handshakes that were not finished and blocks after too many,
//! and what is another user's is none of our business. Such listeners are met only with
//! [`Consent::Asked`].
//!
//! **Ask.** [`probe`] connects to a [`Target`], which by construction is this machine's, and makes a
//! [`wharf_facts::Probe`] of what it saw:
//!
//! ```text
//! known:    connect ── its own question ── verdict                      (one round trip)
//! unknown:  connect ── 80 ms of silence ── GET / ── TLS ── PostgreSQL ── HTTP/2 ── Redis ── MQTT
//!                        │ a greeting?       └ first its first line: Redis and memcached answer that
//!                        └ SSH, SMTP, FTP, MySQL, NATS, …
//! ```
//!
//! Every answer is held against every protocol, by one pure function, [`recognise`]. So a question to the
//! wrong one is seldom lost: MongoDB, memcached and RabbitMQ say who they are to one who asks for a page,
//! and a server that wants TLS says so. A page that is late is waited for while others are tried.
//!
//! What it never does:
//!
//! - connect to another machine;
//! - take longer than [`BUDGET`] (or the plan's own), make more than [`CONNECTIONS`] connections, or read
//!   more than [`BYTES`], whatever the other side does; every deadline is absolute;
//! - send a credential, or a name of a user. PostgreSQL is asked for its readiness to speak TLS, which it
//!   answers before anything is logged; a user's name would be a failed login in its log;
//! - keep a cookie's value, or any byte that a terminal would act upon;
//! - leave without closing: it says goodbye where the protocol has a word for it, shuts down its
//!   direction and takes what is still coming, so that the server sees an end and no reset.
//!
//! Where it is uncertain it says so. [`wharf_facts::Spoken::Silent`] means that nothing that was tried was
//! answered. A connection that is closed at once has no protocol but a reason: often it is a forward,
//! as `ssh -L` makes it, whose far end is down.
//!
//! The effects stand in one module, `reach`: one thread with a small runtime, which probes many
//! listeners side by side ([`probe_all`]). All else is bytes in, facts out; `clippy.toml` holds it to that.

mod certificate;
mod guess;
mod page;
mod plan;
mod reach;
mod speech;
mod target;

pub use guess::{By, Caution, Guess, Owner, Slot, Touch, Whose, guess};
pub use plan::{BUDGET, BYTES, CONNECTIONS, CONNECTIONS_OF_TRUST, Consent, Curiosity, Plan};
pub use reach::{probe, probe_all};
pub use speech::{Verdict, recognise};
pub use target::{NotProbed, Target};
