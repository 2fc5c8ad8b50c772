//! Who gets which address.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use wharf_topology::{Ready, Topology};

fn table(topology: &Topology) -> String {
    let mut lines = String::new();
    for (_, node) in topology.nodes() {
        for on in &node.interfaces {
            let [v4, v6] = on.addresses;
            lines += &format!("{:9}{:10}{v4:16}{v6}\n", node.name, topology[on.segment].name);
        }
    }
    lines
}

fn built(name: &str) -> Topology {
    Topology::build(&Ready::named(name).expect("it is ready").spec).expect("a network")
}

#[test]
fn behind_translators_addresses_are_private_and_shared() {
    assert_snapshot!(table(&built("home-isp-cloud")), @r"
    carrier  backbone  198.19.228.1    fd77:6861:7266:53e4::1
    carrier  line      100.86.39.2     fd77:6861:7266:1627::2
    db       cloud     198.19.126.3    fd77:6861:7266:a97e::3
    dns      resolver  198.18.195.2    fd77:6861:7266:2ec3::2
    edge     cloud     198.19.126.1    fd77:6861:7266:a97e::1
    edge     transit   198.19.84.2     fd77:6861:7266:b54::2
    exchange backbone  198.19.228.2    fd77:6861:7266:53e4::2
    exchange resolver  198.18.195.1    fd77:6861:7266:2ec3::1
    exchange transit   198.19.84.1     fd77:6861:7266:b54::1
    home     line      100.86.39.1     fd77:6861:7266:1627::1
    home     wifi      10.100.72.3     fd77:6861:7266:6448::3
    laptop   wifi      10.100.72.1     fd77:6861:7266:6448::1
    phone    wifi      10.100.72.2     fd77:6861:7266:6448::2
    web      cloud     198.19.126.2    fd77:6861:7266:a97e::2
    ");
}

#[test]
fn every_address_is_one_nodes() {
    for ready in wharf_topology::ready() {
        let topology = Topology::build(&ready.spec).expect("a network");
        let mut seen = BTreeSet::new();
        for (id, node) in topology.nodes() {
            for on in &node.interfaces {
                let subnets = topology[on.segment].subnets.both();
                for (address, subnet) in on.addresses.into_iter().zip(subnets) {
                    assert!(seen.insert(address), "{address}");
                    assert!(subnet.contains(address), "{subnet} {address}");
                    assert_eq!(topology.node_at(address).map(|(id, _)| id), Some(id));
                }
            }
        }
    }
}

/// The addresses of what was there before stay when something is added.
#[test]
fn who_comes_later_moves_nobody() {
    let mut spec = Ready::named("dumb-bell").expect("it is ready").spec.clone();
    let before = Topology::build(&spec).expect("a network");
    let added = crate::spec(
        "
        node.zoe = {}
        segment.zebra.nodes = ['zoe', 'left']
    ",
    );
    spec.node.extend(added.node);
    spec.segment.extend(added.segment);
    spec.node
        .insert("yan".to_owned(), wharf_topology::NodeSpec::default());
    spec.segment
        .get_mut("bottleneck")
        .expect("it is there")
        .nodes
        .push("yan".to_owned());
    let after = Topology::build(&spec).expect("a network");
    let lines = |topology: &Topology| {
        table(topology)
            .lines()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    assert!(lines(&before).is_subset(&lines(&after)));
    assert_eq!(lines(&after).len(), lines(&before).len() + 3);
}
