//! Streams over a link in virtual time: what comes out against what theory says of TCP.

mod latency;
mod model;
mod throughput;
mod world;
