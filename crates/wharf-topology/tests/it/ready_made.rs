//! What is ready to use is a network whose nodes reach each other.

use insta::assert_snapshot;
use wharf_topology::{Family, Side, Topology, ready};

#[test]
fn all_read_and_are_networks() {
    let said: String = ready()
        .iter()
        .map(|ready| {
            let topology = Topology::build(&ready.spec).expect(ready.name);
            let (nodes, segments) = (topology.nodes().len(), topology.segments().len());
            format!(
                "{}: {}: {nodes} nodes, {segments} segments\n",
                ready.name, ready.summary
            )
        })
        .collect();
    assert_snapshot!(said, @r"
    two-regions: two data centres across the Atlantic, and a user near one of them: 7 nodes, 4 segments
    home-isp-cloud: a home behind two address translators, and a cloud behind a firewall: 9 nodes, 6 segments
    dumb-bell: three senders and three receivers share a bottleneck: 8 nodes, 7 segments
    satellite: a ship with a satellite and a cell as ways out: 7 nodes, 6 segments
    star-50: 49 hosts around one router: 50 nodes, 49 segments
    ");
}

#[test]
fn they_are_written_as_they_are_read() {
    for ready in ready() {
        let text = toml::to_string(&ready.spec).expect("it is written");
        assert_eq!(crate::spec(&text), ready.spec, "{}", ready.name);
    }
}

#[test]
fn every_node_reaches_every_other_but_what_a_translator_hides() {
    for ready in ready() {
        let topology = Topology::build(&ready.spec).expect(ready.name);
        let routes = topology.routes();
        for (from, a) in topology.nodes() {
            for (to, b) in topology.nodes().filter(|(to, _)| *to != from) {
                topology
                    .path(&routes, from, to, Family::V6)
                    .expect("IPv6 passes translators");
                let is_hidden = b
                    .interfaces
                    .iter()
                    .all(|on| on.addresses[0].to_string().starts_with("10."));
                match topology.path(&routes, from, to, Family::V4) {
                    Ok(path) => {
                        let last = path.hops.last().expect("a hop");
                        assert_eq!(last.to, to);
                        let owner = topology.node_at(path.destination).map(|(id, _)| id);
                        assert_eq!(owner, Some(to));
                    }
                    Err(why) => {
                        assert!(
                            is_hidden || b.name == "home",
                            "{}: {} to {}: {why}",
                            ready.name,
                            a.name,
                            b.name
                        );
                    }
                }
            }
        }
    }
    let home = Topology::build(
        &wharf_topology::Ready::named("home-isp-cloud")
            .expect("ready")
            .spec,
    )
    .expect("a network");
    let nat = home.node("home").expect("a node");
    let sides: Vec<_> = home[nat]
        .interfaces
        .iter()
        .map(|on| (home[on.segment].name.as_str(), on.side))
        .collect();
    assert_eq!(sides, [("line", Side::Outside), ("wifi", Side::Inside)]);
}

/// A translator that is multi-homed has one machine for each address.
#[test]
fn a_node_has_the_machines_of_its_kind() {
    let topology = crate::topology(
        "
        node.pc = {}
        node.home = { kind = 'nat', inside = ['lan'] }
        node.one = { kind = 'router' }
        node.two = { kind = 'router' }
        segment.lan.nodes = ['pc', 'home']
        segment.fibre.nodes = ['home', 'one']
        segment.cell.nodes = ['home', 'two']
    ",
    );
    let home = topology.node("home").expect("a node");
    let names = topology
        .nats(home)
        .into_iter()
        .map(|(segment, _)| topology[segment].name.clone());
    assert_eq!(names.collect::<Vec<_>>(), ["cell", "fibre"]);
    let one = topology.node("one").expect("a node");
    assert!(topology.nats(one).is_empty() && topology.firewall(one).is_none());
}
