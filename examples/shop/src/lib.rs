//! A shop of three services, to see a network between them.
//!
//! ```text
//! browser ──▶ shop-web ──▶ shop-api ──▶ shop-store ──▶ SQLite
//!              a page       HTTP, JSON   a line protocol over TCP
//! ```
//!
//! Each hop is measured by the one who makes it: the page times its calls of `web`, `web` those of
//! `api`, `api` those of `store`. A hop that has not answered within two seconds is shown as such.
//! Since every arrow between the services is a link of Wharf, `wharf set` and `wharf cut` change
//! what the page shows while it is open.
//!
//! The network code is the standard library's, with a thread a connection, and bounded everywhere:
//! connections, heads, bodies, lines and times. It is small enough to read in one go, and no more
//! than an example: a real service would take a real HTTP library.
//!
//! Settings come from the environment, as Wharf gives them: `HOST` and `PORT` to listen on (port 0
//! takes any), `API_URL` for the web, `STORE_ADDR` for the API, `DATA_DIR` for the store.

pub mod hop;
pub mod http;
pub mod listen;
pub mod orders;
mod pool;
pub mod settings;
pub mod store;
pub mod wire;
