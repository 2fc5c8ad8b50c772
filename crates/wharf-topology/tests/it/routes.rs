//! Routes and paths, against the cheapest of all ways.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use proptest::prelude::*;
use wharf_topology::{Family, NodeId, Ready, Topology};

fn built(name: &str) -> Topology {
    Topology::build(&Ready::named(name).expect("it is ready").spec).expect("a network")
}

fn table(topology: &Topology, node: &str, family: Family) -> String {
    let id = topology.node(node).expect("a node");
    show(topology, topology.routes().table(id, family))
}

fn show(topology: &Topology, table: &wharf_topology::Table) -> String {
    let line = |route: &wharf_topology::Route| {
        let via = route.via.map_or("direct".to_owned(), |(node, address)| {
            format!("{} ({address})", topology[node].name)
        });
        format!(
            "{} over {} by {via}: {}\n",
            route.prefix, topology[route.segment].name, route.metric
        )
    };
    table.iter().map(line).collect()
}

fn path(topology: &Topology, from: &str, to: &str, family: Family, without: &[&str]) -> String {
    let id = |name| topology.node(name).expect("a node");
    let down: Vec<_> = without
        .iter()
        .map(|name| topology.segment(name).expect("a segment"))
        .collect();
    let routes = topology.routes_without(&down);
    match topology.path(&routes, id(from), id(to), family) {
        Err(why) => why.to_string(),
        Ok(path) => {
            let hops = path.hops.iter().map(|hop| {
                let segment = &topology[hop.segment].name;
                let translates = if hop.translates { "*" } else { "" };
                format!(
                    " -{segment} {:?}-> {}{translates}",
                    hop.direction, topology[hop.to].name
                )
            });
            format!("{}: {from}{}", path.metric, hops.collect::<String>())
        }
    }
}

#[test]
fn a_table_of_each_family() {
    let home = built("home-isp-cloud");
    let tables =
        ["laptop", "home", "carrier"].map(|node| format!("{node}\n{}", table(&home, node, Family::V4)));
    assert_snapshot!(tables.join("\n"), @r"
    laptop
    10.100.72.0/24 over wifi by direct: 1
    0.0.0.0/0 over wifi by home (10.100.72.3): 1

    home
    10.100.72.0/24 over wifi by direct: 1
    100.86.39.0/24 over line by direct: 1
    0.0.0.0/0 over line by carrier (100.86.39.2): 1

    carrier
    100.86.39.0/24 over line by direct: 1
    198.18.195.0/24 over backbone by exchange (198.19.228.2): 2
    198.19.84.0/24 over backbone by exchange (198.19.228.2): 2
    198.19.126.0/24 over backbone by exchange (198.19.228.2): 3
    198.19.228.0/24 over backbone by direct: 1
    ");
    assert_snapshot!(table(&home, "laptop", Family::V6), @r"
    fd77:6861:7266:b54::/64 over wifi by home (fd77:6861:7266:6448::3): 4
    fd77:6861:7266:1627::/64 over wifi by home (fd77:6861:7266:6448::3): 2
    fd77:6861:7266:2ec3::/64 over wifi by home (fd77:6861:7266:6448::3): 4
    fd77:6861:7266:53e4::/64 over wifi by home (fd77:6861:7266:6448::3): 3
    fd77:6861:7266:6448::/64 over wifi by direct: 1
    fd77:6861:7266:a97e::/64 over wifi by home (fd77:6861:7266:6448::3): 5
    ");
    let laptop = home.node("laptop").expect("a node");
    let short = home.routes().table(laptop, Family::V6).with_default();
    assert_snapshot!(show(&home, &short), @r"
    fd77:6861:7266:6448::/64 over wifi by direct: 1
    ::/0 over wifi by home (fd77:6861:7266:6448::3): 4
    ");
}

#[test]
fn paths_pass_translators_from_inside_alone() {
    let home = built("home-isp-cloud");
    let v4 = [
        ("laptop", "web"),
        ("web", "laptop"),
        ("dns", "home"),
        ("laptop", "phone"),
        ("phone", "home"),
    ]
    .map(|(from, to)| path(&home, from, to, Family::V4, &[]));
    assert_snapshot!(v4.join("\n"), @r"
    5: laptop -wifi Up-> home* -line Up-> carrier* -backbone Up-> exchange -transit Up-> edge -cloud Up-> web
    web has no route to 10.100.72.1
    dns has no route to 100.86.39.1
    1: laptop -wifi Up-> phone
    1: phone -wifi Up-> home
    ");
    assert_snapshot!(path(&home, "web", "laptop", Family::V6, &[]), @"5: web -cloud Down-> edge -transit Down-> exchange -backbone Down-> carrier -line Down-> home -wifi Down-> laptop");
}

#[test]
fn routes_turn_to_what_is_left() {
    let ship = built("satellite");
    let ways = [&[][..], &["cell"], &["uplink"], &["cell", "uplink"]]
        .map(|down| path(&ship, "crew", "office", Family::V4, down));
    assert_snapshot!(ways.join("\n"), @r"
    23: crew -deck Up-> ship -cell Up-> tower -coast Up-> shore -lan Up-> office
    53: crew -deck Up-> ship -uplink Up-> teleport -landing Up-> shore -lan Up-> office
    23: crew -deck Up-> ship -cell Up-> tower -coast Up-> shore -lan Up-> office
    crew has no route to 198.18.16.2
    ");
}

#[test]
fn ways_there_and_back_differ_where_metrics_do() {
    let topology = crate::topology(
        "
        node.a = {}
        node.b = {}
        node.r = { kind = 'router' }
        node.s = { kind = 'router' }
        segment.ar.nodes = ['a', 'r']
        segment.sb.nodes = ['s', 'b']
        segment.fast = { nodes = ['r', 's'], metric = { s = 9 } }
        segment.slow = { nodes = ['r', 's'], metric = { r = 9 } }
    ",
    );
    let ways = [("a", "b"), ("b", "a")].map(|(from, to)| path(&topology, from, to, Family::V6, &[]));
    assert_snapshot!(ways.join("\n"), @r"
    3: a -ar Up-> r -fast Up-> s -sb Up-> b
    3: b -sb Down-> s -slow Down-> r -ar Down-> a
    ");
}

#[test]
fn of_equal_ways_fewer_nodes_win_and_then_the_first_by_name() {
    let topology = crate::topology(
        "
        node.a = { kind = 'router' }
        node.b = {}
        node.r1 = { kind = 'router' }
        node.r2 = { kind = 'router' }
        node.r3 = { kind = 'router' }
        segment.z-first.nodes = ['a', 'r1']
        segment.c.nodes = ['r1', 'r2', 'r3', 'b']
        segment.d.nodes = ['a', 'r2']
        segment.f.nodes = ['a', 'r3']
    ",
    );
    assert_snapshot!(path(&topology, "a", "b", Family::V4, &[]), @"2: a -d Up-> r2 -c Up-> b");
    assert_snapshot!(path(&topology, "a", "b", Family::V4, &["d"]), @"2: a -f Up-> r3 -c Up-> b");
}

#[test]
fn a_node_of_two_homes_is_reached_at_the_nearer() {
    let topology = crate::topology(
        "
        node.user = {}
        node.server = {}
        node.r = { kind = 'router' }
        node.far = { kind = 'router' }
        segment.access.nodes = ['user', 'r']
        segment.a-long.nodes = ['far', 'server']
        segment.long.nodes = ['r', 'far']
        segment.short.nodes = ['r', 'server']
    ",
    );
    let ways = [&[][..], &["short"], &["short", "long"]]
        .map(|down| path(&topology, "user", "server", Family::V4, down));
    assert_snapshot!(ways.join("\n"), @r"
    2: user -access Up-> r -short Up-> server
    3: user -access Up-> r -long Up-> far -a-long Up-> server
    user has no route to 198.18.45.2
    ");
}

#[test]
fn hosts_pass_nothing_on() {
    let topology = crate::topology(
        "
        node.a = {}
        node.both = {}
        node.c = {}
        segment.x.nodes = ['a', 'both']
        segment.y.nodes = ['both', 'c']
    ",
    );
    assert_snapshot!(path(&topology, "a", "c", Family::V6, &[]), @"a has no route to fd77:6861:7266:4ef4::2");
}

/// A network of routers: which wires there are, with what metrics each way.
fn wires() -> impl Strategy<Value = (usize, Vec<(usize, usize, u16, u16)>)> {
    (2..9_usize).prop_flat_map(|nodes| {
        let wire = (0..nodes, 0..nodes, 1..9_u16, 1..9_u16);
        (Just(nodes), proptest::collection::vec(wire, 1..16))
    })
}

proptest! {
    /// Floyd and Warshall's way, which knows nothing of Dijkstra's.
    #[test]
    fn every_path_is_the_cheapest((nodes, wires) in wires()) {
        let mut text = String::new();
        let mut cost: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        for (number, (a, b, there, back)) in wires.iter().enumerate().filter(|(_, (a, b, ..))| a != b) {
            text += &format!("segment.w{number} = {{ nodes = ['n{a}', 'n{b}'], metric = {{ n{a} = {there}, n{b} = {back} }} }}\n");
            for (from, to, metric) in [(*a, *b, *there), (*b, *a, *back)] {
                let known = cost.entry((from, to)).or_insert(u32::MAX);
                *known = u32::from(metric).min(*known);
            }
        }
        let joined: Vec<_> = (0..nodes).filter(|node| cost.contains_key(&(*node, (0..nodes).find(|other| cost.contains_key(&(*node, *other))).unwrap_or(*node)))).collect();
        prop_assume!(joined.len() > 1);
        for node in &joined {
            text += &format!("node.n{node} = {{ kind = 'router' }}\n");
        }
        for middle in &joined {
            for from in &joined {
                for to in &joined {
                    if let (Some(first), Some(rest)) = (cost.get(&(*from, *middle)), cost.get(&(*middle, *to))) {
                        let sum = first + rest;
                        let known = cost.entry((*from, *to)).or_insert(u32::MAX);
                        *known = sum.min(*known);
                    }
                }
            }
        }
        let topology = crate::topology(&text);
        let routes = topology.routes();
        let id = |node: usize| -> NodeId { topology.node(&format!("n{node}")).expect("a node") };
        for from in &joined {
            for to in joined.iter().filter(|to| *to != from) {
                let path = topology.path(&routes, id(*from), id(*to), Family::V4);
                // To one of its addresses: the cheapest.
                let found = path.as_ref().ok().map(|path| path.metric);
                prop_assert_eq!(found, cost.get(&(*from, *to)).copied(), "{} to {} in {}", from, to, text);
                if let Ok(path) = path {
                    let ends: Vec<_> = path.hops.windows(2).map(|pair| pair[0].to == pair[1].from).collect();
                    prop_assert!(ends.iter().all(|joined| *joined));
                }
            }
        }
    }
}
