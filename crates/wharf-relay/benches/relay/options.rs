//! What may be asked of the benchmark.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures a relay beside a direct connection, and beside haproxy and nginx where they are installed.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Only these parts.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// How many rounds of each comparison.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// How many times longer than usual to measure.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    scale: f64,
    /// Without haproxy and nginx.
    #[arg(long)]
    pub(crate) alone: bool,
    /// Prints the figures as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What the other processes are.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Role {
    #[command(hide = true)]
    Provider,
    #[command(hide = true)]
    Relay { provider: SocketAddr },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// One stream and eight.
    Bulk,
    /// Round trips, connections and requests.
    Small,
    /// Idle connections.
    Memory,
    /// How true latency is.
    Latency,
    /// How true jitter is.
    Jitter,
    /// How true a rate is.
    Rate,
    /// One stream through a long way.
    Window,
    /// As many connections with conditions as the limit of descriptors allows.
    Crowd,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// A duration, scaled.
    pub(crate) fn time(&self, millis: u64) -> Duration {
        Duration::from_millis(millis).mul_f64(self.scale)
    }

    /// A count, scaled.
    pub(crate) fn count(&self, count: u32) -> u32 {
        (f64::from(count) * self.scale) as u32
    }
}
