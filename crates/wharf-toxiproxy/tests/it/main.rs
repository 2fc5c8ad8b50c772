//! The server as its clients meet it: over real sockets, with Toxiproxy's requests.

mod addresses;
mod bugs;
mod contract;
mod running;
mod toxics;
mod world;
