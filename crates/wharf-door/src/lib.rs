//! The door: every service under its name at `127.0.0.1:62893` and `[::1]:62893`.
//!
//! # What it is
//!
//! One HTTP gateway a user, without a daemon. Each running stack starts a [`Door`]; one of them serves,
//! the others wait. `http://web.shop.localhost:62893` goes to the service `web` of the stack `shop`, over
//! HTTP/1.1, HTTP/2 with prior knowledge (h2c), WebSocket or any other upgrade, server-sent events and gRPC.
//! Bodies are never collected: a byte enters only when the far side takes one out.
//!
//! # Who serves
//!
//! Whoever holds the lock on `door.lock` ([`flock`](rustix::fs::flock)). Each waiter has both loopback
//! addresses already *bound and not listening*, so that no stranger can slip in, and a thread that sleeps in
//! the lock. When the owner dies, however it dies, the kernel closes its sockets and its lock together; the
//! next one wakes and calls `listen()`.
//!
//! An orderly exit loses no connection: the owner passes its listening sockets *and its lock*, as open file
//! descriptions, to a waiter (`SCM_RIGHTS`). The queue of connections not yet accepted belongs to the description,
//! so nothing in it is reset. Then the old owner answers what it has begun, for a bounded time, and goes.
//!
//! # What stands between a request and a service
//!
//! One layer, `guard`. It alone can make the type that the proxy accepts, so nothing routes around it: a host
//! must be known before it is routed (on each protocol, each upgrade, each form of a request's target), and an
//! `Origin`, if there is one, must be a name of the same stack. `Origin` is compared with the configuration, never
//! with `Host`: DNS rebinding makes those two equal.
//!
//! # What it never does
//!
//! - It never listens off loopback.
//! - It never tells a caller which names exist: a host that is not known gets 421 and a constant body.
//! - It never believes an inbound `Forwarded` or `X-Forwarded-*`: they are replaced by its own.
//! - It never sends `Strict-Transport-Security`, and removes it from what services send: pinned for
//!   `localhost`, it would break every other project of the user's for a year.
//! - It never sends a request twice that the service may have acted on.
//! - It keeps no state that another process needs: what others must know is in files of the run directory.

mod backend;
mod body;
mod config;
mod connection;
mod door;
mod engine;
mod error;
mod guard;
mod handover;
mod hostname;
mod lock;
mod owner;
mod peer;
mod process;
mod proxy;
mod registration;
mod reply;
mod routes;
mod run_dir;
mod seat;
mod serving;
mod sockets;
mod status;

pub use config::{DOOR_PORT, DoorConfig, Fallback, Limits, PeerCheck, PeerVerdict, WhoHas};
pub use door::{Door, DoorHandle};
pub use error::DoorError;
pub use hostname::{Hostname, HostnameError};
pub use owner::OwnerNote;
pub use process::own_start_time;
pub use registration::{Published, Registration};
pub use routes::{Route, Routes, Target};
pub use run_dir::RunDirRoutes;
pub use status::{Counters, ExitReport, Lost, Role};
