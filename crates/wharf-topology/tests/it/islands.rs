//! What falls apart.

use insta::assert_snapshot;
use wharf_topology::{Ready, Topology};

fn islands(topology: &Topology, cut: &[&str]) -> String {
    let cut: Vec<_> = cut
        .iter()
        .map(|name| topology.segment(name).expect("a segment"))
        .collect();
    let islands = topology.islands(&cut);
    let names = |island: &wharf_topology::Island| {
        let nodes: Vec<_> = island
            .nodes
            .iter()
            .map(|id| topology[*id].name.as_str())
            .collect();
        let segments: Vec<_> = island
            .segments
            .iter()
            .map(|id| topology[*id].name.as_str())
            .collect();
        format!("{} by {}", nodes.join(" "), segments.join(" "))
            .trim_end_matches(" by ")
            .to_owned()
    };
    islands.iter().map(names).collect::<Vec<_>>().join("\n")
}

#[test]
fn cuts_split_or_do_not() {
    let ship = Topology::build(&Ready::named("satellite").expect("it is ready").spec).expect("a network");
    assert_snapshot!(islands(&ship, &[]), @"bridge crew office ship shore teleport tower by cell coast deck lan landing uplink");
    assert_snapshot!(islands(&ship, &["uplink"]), @"bridge crew office ship shore teleport tower by cell coast deck lan landing");
    assert_snapshot!(islands(&ship, &["uplink", "cell", "lan"]), @r"
    bridge crew ship by deck
    office
    shore teleport tower by coast landing
    ");
}

#[test]
fn a_host_is_of_every_island_that_it_stands_in() {
    let topology = crate::topology(
        "
        node.a = {}
        node.both = {}
        node.c = {}
        segment.x.nodes = ['a', 'both']
        segment.y.nodes = ['both', 'c']
    ",
    );
    assert_snapshot!(islands(&topology, &[]), @r"
    a both by x
    both c by y
    ");
}
