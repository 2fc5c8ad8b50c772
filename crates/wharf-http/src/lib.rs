//! HTTP faults on a link, and TLS begun on a client's behalf.
//!
//! A link's relay knows bytes. What goes wrong between two services is often of a higher kind: a 503 in every tenth
//! answer, a body that stops half-way, a header that a proxy ate. An [`HttpStage`] stands behind the link and
//! makes such things happen, to the requests that [`Rule`]s name.
//!
//! ```text
//!  client ──▶ link (relay, conditions) ──▶ stage (rules, TLS) ──▶ provider
//! ```
//!
//! The relay dials the stage as it would the provider: a listener on 127.0.0.1 with a port of the kernel's
//! choice. The stage has a thread and an async runtime of its own, so that neither is in the relay's loop.
//!
//! # A wire, not a proxy
//!
//! To whom no rule applies, the stage is not there. It adds no header (no `Via`, no `Forwarded`, no
//! `Date`), leaves `Host` alone, follows nothing, retries nothing and caches nothing. Each connection of a client
//! has one of its own to the provider. **Ends are carried as they are**: an end as an end, also of one half;
//! a refusal, a reset, or TLS that ends without its farewell, as a reset.
//!
//! - **HTTP/1** is read and not rewritten: heads, chunks, trailers, interim answers, pipelined requests and
//!   upgrades pass as the bytes that they were. What cannot be read as HTTP (a TLS hello, a head beyond
//!   the limit) is carried on unread. See `h1`.
//! - **HTTP/2** has state of its own on each side (header tables, windows), so it is ended on both, by hyper. Frames,
//!   settings, priorities, pings and push are the stage's own; interim answers are lost, and
//!   WebSocket over HTTP/2 (RFC 8441) is not offered. A client speaks it by prior knowledge (h2c); towards the provider
//!   it is h2c too, or ALPN `h2` where TLS begins here. See `h2`.
//!
//! The provider is dialled when the first request wants it. A client that only connects is not noticed by it,
//! and a rule that answers itself needs no provider at all. Who speaks first must be the client, as in HTTP;
//! for what does not, there is [`Carries::Raw`].
//!
//! # Rules
//!
//! The first rule that matches decides. Its draw is a function of the seed, the rule's place and the number of requests that it
//! matched before: the same requests in the same order meet the same fate. Rules change at any time, for requests whose
//! head comes later.
//!
//! # TLS
//!
//! With [`TlsOrigination`] the client's side is in clear, so that rules can see it, and the provider's is encrypted
//! (rustls, *ring*) and verified: by this machine's roots or a file's, unless somebody wrote
//! [`Roots::DangerouslyUnverified`].
//!
//! # What it never does
//!
//! Listen off loopback; collect a body; hold more of a connection than [`Limits`] says; let a broken
//! exchange look whole.

mod config;
mod desk;
mod dial;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod h1;
mod h2;
mod pace;
mod raw;
mod rules;
mod stage;
mod stats;
mod tls;
mod wire;

pub use config::{
    Carries, Far, Limits, PeerCheck, PeerVerdict, Roots, StageConfig, TlsOrigination, Upstream,
};
pub use error::StageError;
pub use rules::{Drop, GlobError, HeaderText, OneOrMany, Rule, RuleError, RuleText};
pub use stage::HttpStage;
pub use stats::StageStats;
