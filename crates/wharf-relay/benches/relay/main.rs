//! Measures a relay beside a direct connection, and beside haproxy and nginx where they are installed.
//!
//!     cargo bench -p wharf-relay
//!     cargo bench -p wharf-relay -- --only bulk,small --rounds 9
//!     cargo bench -p wharf-relay -- --json > figures.json
//!
//! Clients, provider and each relay are processes of their own: the clients this one, the provider and
//! Wharf's relay the same program called again. Each round takes all ways in turn, since a machine's
//! speed drifts; what is shown is the median of the rounds, and `x` is the median of the ratios to the
//! direct way of the same round. It asserts nothing: what misses its aim is marked.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

mod carriers;
mod clients;
mod options;
mod orders;
mod parts;
mod processor;
mod provider;
mod relay;
mod rounds;
mod table;

use std::error::Error;

use clap::Parser;

use options::{Options, Role};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let options = Options::parse();
    match options.role {
        Some(Role::Provider) => provider::run(),
        Some(Role::Relay { provider }) => relay::run(provider),
        None => parts::run(&options),
    }
}
