//! Streams over a link in virtual time: what comes out against what theory says of TCP.

mod fetch;
mod latency;
mod link;
mod model;
mod throughput;
mod trains;
mod world;
