//! The server as its clients meet it: over real sockets, with Toxiproxy's requests.

mod contract;
mod semantics;
mod world;
