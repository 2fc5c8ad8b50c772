//! Topologies, translators and firewalls, in virtual time.

mod addresses;
mod build;
mod drawn;
mod firewall;
mod foreign;
mod islands;
mod made;
mod nat;
mod prefixes;
mod ready_made;
mod routes;

use wharf_topology::{Spec, Topology};

/// What the essay shows are networks.
#[test]
fn the_essay_shows_networks() {
    let essay = include_str!("../../src/lib.rs");
    let mut shown = 0;
    for rest in essay.split("//! ```toml\n").skip(1) {
        let (text, _) = rest.split_once("//! ```\n").expect("it ends");
        let lines = text.lines().map(|line| line.trim_start_matches("//!"));
        topology(&lines.collect::<Vec<_>>().join("\n"));
        shown += 1;
    }
    assert_eq!(shown, 2);
}

/// A specification as people write it.
#[track_caller]
fn spec(text: &str) -> Spec {
    toml::from_str(text).expect("it reads")
}

#[track_caller]
fn topology(text: &str) -> Topology {
    Topology::build(&spec(text)).expect("a network")
}
