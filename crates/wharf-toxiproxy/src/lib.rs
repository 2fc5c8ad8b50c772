//! Toxiproxy's server, on Wharf's links.
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
