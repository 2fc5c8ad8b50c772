//! Toxiproxy's server, on Wharf's links.
//!
//! # What it is
//!
//! [Toxiproxy](https://github.com/Shopify/toxiproxy) is the proxy that test suites know: a client library tells a server
//! at `localhost:8474` to listen somewhere, to lead somewhere, and what harm to do on the way. This is such a server.
//! Clients of Toxiproxy 2 run against it unchanged (they find it as they find the original, by `TOXIPROXY_URL` where
//! they read that), and so does `toxiproxy-cli`. What carries the traffic is Wharf's relay, so what a toxic
//! does is what Wharf's links do.
//!
//! # How it works
//!
//! ```text
//!  client ──▶ guard ──▶ route ──▶ desk: one request after the other
//!  (HTTP/1.1)                       │ model: proxies and toxics, as values
//!                                   ▼
//!                                 carrier ──▶ relay: a link a proxy, a stage a toxic
//! ```
//!
//! `http` reads requests as Go's `net/http` and gorilla/mux do, and writes answers as they do. `model` is pure: what
//! each request does to a collection of proxies, JSON read with Go's leniency, errors in Go's words; what must happen
//! outside it asks of a trait. `carrier` is that trait on a [`wharf_relay::Relay`]: it binds addresses, makes a link for
//! each proxy, and turns each toxic into a [stage](wharf_relay::Stage) that every connection passes on its own. A
//! stage keeps its toxic's identity, so an update keeps what the toxic knows of a connection (how much of its limit is
//! used up), and takes effect at once on connections that live.
//!
//! `/version` says `2.12.0`: that is the release whose API this one has been compared with, request by request, and
//! clients read it as such. The Ruby client takes it apart by its dots, to learn whether the server knows PATCH.
//!
//! # Where it differs, on purpose
//!
//! | | Toxiproxy | here |
//! | --- | --- | --- |
//! | an update or removal of a toxic under load | may hang (#558, #427, #254, #159) | is a message to one thread |
//! | `bandwidth` with a rate of 0 | spins; updates hang | no byte passes, none is lost, and it can be changed |
//! | … below 0 | takes the server down at the first byte | 400 |
//! | `slicer` with a size of 0 | recurses without end | pieces of one byte |
//! | an upstream that is down | the client sees an accept and an end | a reset; a log line; `wharf_proxy_refused_connections_total` |
//! | an upstream that does not answer | blocks the proxy's accepting, and its being changed | nobody else notices |
//! | an end of one direction | ends both: an answer after a half-close is lost | ends that direction |
//! | `reset_peer` on a connection that lives | an end in good order | a reset |
//! | `reset_peer` with a toxicity below 1 | resets also connections it does not act on | leaves them alone |
//! | `packet_loss` | drops pieces of the stream, which corrupts it | delays as TCP would after such a loss; no byte is lost |
//! | toxicity | rolled again at each update | once for each connection and toxic: raising it adds connections |
//! | `-seed` | is ignored | the same seed and the same requests give the same rolls |
//! | bytes in `/metrics` | counted when a connection ends | counted as they pass |
//! | port of a disabled proxy | free to be given to another | kept, where others do not ask for it by number |
//! | `/reset` where a proxy cannot start | stops there, at a random place | goes on, and then says so |
//! | a config file that is wrong | an error in the log, and a server without proxies | does not start |
//! | `Logger` in a proxy's JSON | an empty object that has leaked there | left out |
//! | `go_*` metrics | figures of Go's runtime | there is no Go; `process_*` are there |
//!
//! Several `packet_loss` toxics of one direction lose what any of them would; where they act on some connections only, those
//! that any acts on have their losses in the mean. What is missing: a bandwidth that is changed to 0 lets pass what was let
//! in before.
//!
//! # Who may use it
//!
//! Its clients send no token and no header of their own, so the server asks for none, and whoever starts it has asked for
//! that. What stands instead:
//!
//! - It listens on loopback. An empty or wildcard address stands for `127.0.0.1` *and* `[::1]`, and is told as Toxiproxy
//!   would tell it; any other address is refused. Only [`Exposure::AsWritten`] takes addresses at their word.
//! - Connections of other users are closed before a byte is read ([`PeerCheck`]).
//! - The host must be a name of this machine (else 421), and whatever only a browser sends is 403: an `Origin`, a
//!   `Sec-Fetch-Site`, `-Dest` or `-User`, an agent that calls itself Mozilla. `Sec-Fetch-Mode` alone passes, since
//!   Node's `fetch` sends it.
//!
//! # What it never does
//!
//! - It never drops, repeats or re-orders a byte of a connection that it lets live, but for what `timeout` and
//!   `limit_data` are there to swallow.
//! - It never waits for a name server, an upstream or a client while others wait for it. (A name to *listen* at is
//!   looked up in turn, as the answer depends on it.)
//! - It never prints: what there is to say goes to a [`Log`].

mod carrier;
mod http;
mod log;
mod metrics;
mod model;
mod peers;
mod server;

pub use carrier::{Exposure, LinkView};
pub use log::{Level, Log, UnknownLevel};
pub use metrics::Metrics;
pub use peers::{PeerCheck, PeerVerdict};
pub use server::{Config, Error, Server};
