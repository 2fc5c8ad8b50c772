//! Topologies, translators and firewalls, in virtual time.

mod addresses;
mod build;
mod drawn;
mod firewall;
mod islands;
mod made;
mod nat;
mod prefixes;
mod ready_made;
mod routes;

use wharf_topology::{Spec, Topology};

/// A specification as people write it.
#[track_caller]
fn spec(text: &str) -> Spec {
    toml::from_str(text).expect("it reads")
}

#[track_caller]
fn topology(text: &str) -> Topology {
    Topology::build(&spec(text)).expect("a network")
}
