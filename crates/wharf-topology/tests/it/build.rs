//! What makes no network says why.

use insta::assert_snapshot;
use wharf_topology::{Spec, Topology};

/// What is wrong with each of these.
fn problems(texts: &[&str]) -> String {
    let problem = |text: &&str| match toml::from_str::<Spec>(text) {
        // The line that shows the place is toml's own.
        Err(problem) => problem.message().to_owned(),
        Ok(spec) => match Topology::build(&spec) {
            Err(problem) => problem.to_string(),
            Ok(_) => panic!("{text} is a network"),
        },
    };
    texts.iter().map(problem).collect::<Vec<_>>().join("\n")
}

#[test]
fn names_and_joints() {
    assert_snapshot!(problems(&[
        "node.Web = {}",
        "node.a-.kind = 'host'",
        "node.a = {}\nsegment.'x y'.nodes = ['a']",
        "node.a = {}\nsegment.x.nodes = ['a', 'b']",
        "node.a = {}\nsegment.x.nodes = ['a', 'a']",
        "node.a = {}\nsegment.x.nodes = ['a']",
        "node.a = {}\nnode.b = {}\nnode.c = {}\nsegment.x.nodes = ['a', 'b']",
        "node.a = {}\nnode.b = {}\nsegment.x = { nodes = ['a', 'b'], metric = { c = 5 } }",
        "node.a = {}\nnode.b = {}\nsegment.x = { nodes = ['a', 'b'], profile = '6g' }",
    ]), @r"
    node `Web`: a name has 1 to 63 of a-z, 0-9 and `-`, and no `-` at its ends
    node `a-`: a name has 1 to 63 of a-z, 0-9 and `-`, and no `-` at its ends
    segment `x y`: a name has 1 to 63 of a-z, 0-9 and `-`, and no `-` at its ends
    segment `x` joins `b`, and there is no [node.b]
    segment `x` names `a` twice
    segment `x` joins fewer than two nodes
    node `c` is on no segment: name it in the `nodes` of one
    segment `x` has a metric for `c`, which is not on it
    segment `x`: there is no profile `6g`; `wharf profiles` lists them
    ");
}

#[test]
fn keys_and_values() {
    assert_snapshot!(problems(&[
        "node.a.kind = 'switch'",
        "node.a.insides = []",
        "segment.x = { nodes = [], metric = 0 }",
        "segment.x = { nodes = [], latencyy = '5ms' }",
        "segment.x = { nodes = [], latency = '5 parsecs' }",
        "segment.x = { nodes = [], latency = 5 }",
        "segment.x = { nodes = [], up.rate = 'fast' }",
        "node.a = { kind = 'nat', nat = 'conical' }",
        "node.a = { kind = 'nat', nat.udp-timeout = 'long' }",
        "node.a = { kind = 'firewall', rules = [{ action = 'maybe' }] }",
    ]), @r#"
    unknown variant `switch`, expected one of `host`, `router`, `nat`, `firewall`
    unknown field `insides`, expected one of `kind`, `inside`, `nat`, `default`, `rules`
    a metric is a number from 1 to 65535, or one by node: `{ home = 1, office = 10 }`
    `latencyy` is not a condition: there are latency, jitter, rate, burst, overhead, trace, queue, discipline, loss, corrupt, duplicate, reorder, outage, mtu, scope, window, congestion, faults
    latency: `5 parsecs` is not a time: its unit must be one of ns, us, ms, s
    invalid type: integer `5`, expected a string
    rate: `fast` is not a rate: `fast` is not one of bit, kbit, mbit, gbit, tbit
    `nat` is `full-cone`, `restricted`, `port-restricted`, `symmetric` or `carrier-grade`, or a table `{ like = "symmetric", hairpinning = "supported" }`
    `nat` is `full-cone`, `restricted`, `port-restricted`, `symmetric` or `carrier-grade`, or a table `{ like = "symmetric", hairpinning = "supported" }`
    unknown variant `maybe`, expected one of `allow`, `drop`, `reject`
    "#);
}

const JOINED: &str = "node.b = {}\nnode.c = {}\nsegment.x.nodes = ['b', 'a']\nsegment.y.nodes = ['a', 'c']\n";

#[test]
fn sides() {
    let with = |a: &str| format!("{JOINED}[node.a]\n{a}");
    let texts = [
        with("inside = ['x']"),
        with("kind = 'router'\nnat = 'symmetric'"),
        with("kind = 'nat'\ninside = ['x']\ndefault = 'drop'"),
        with("kind = 'router'\nrules = [{ action = 'drop' }]"),
        with("kind = 'nat'"),
        with("kind = 'firewall'\ninside = ['x', 'y']"),
        with("kind = 'nat'\ninside = ['z']"),
    ];
    assert_snapshot!(problems(&texts.each_ref().map(String::as_str)), @r"
    node `a` is a host, and `inside` is for translators and firewalls
    node `a` is a router, and `nat` is for translators
    node `a` is a nat, and `default` is for firewalls
    node `a` is a router, and `rules` is for firewalls
    node `a`: `inside` names 0 of its 2 segments; a nat has some inside and some outside
    node `a`: `inside` names 2 of its 2 segments; a firewall has some inside and some outside
    node `a` has `z` inside, and is not on it
    ");
}

#[test]
fn nothing_is_behind_a_translator_that_one_can_go_around() {
    let around = "
        node.a = { kind = 'nat', inside = ['x'] }
        node.r = { kind = 'router' }
        segment.x.nodes = ['r', 'a']
        segment.y.nodes = ['a', 'r']
    ";
    let circle = "
        node.a = { kind = 'nat', inside = ['x'] }
        node.b = { kind = 'nat', inside = ['y'] }
        segment.x.nodes = ['a', 'b']
        segment.y.nodes = ['a', 'b']
    ";
    assert_snapshot!(problems(&[around, circle]), @r"
    node `a` translates between `x` and `y`, and another way joins them: nothing would be behind it
    node `a` translates to a network that is itself behind it
    ");
}

#[test]
fn a_host_on_both_sides_of_a_translator_is_no_way_around_it() {
    crate::topology(
        "
        node.a = { kind = 'nat', inside = ['x'] }
        node.r = {}
        segment.x.nodes = ['r', 'a']
        segment.y.nodes = ['a', 'r']
    ",
    );
}

#[test]
fn rules() {
    let with = |rule: &str| {
        format!(
            "{JOINED}[node.a]\nkind = 'firewall'\ninside = ['x']\nrules = [{{ action = 'allow' }}, {{ action = 'drop', {rule} }}]"
        )
    };
    let texts = [
        with("to = 'nobody'"),
        with("to = '10.0.0.0/33'"),
        with("from = ['b', '10.0.0.1/8']"),
        with("port = 80"),
        with("protocol = 'tcp', port = '90-80'"),
        with("protocol = 'tcp', port = 70000"),
    ];
    assert_snapshot!(problems(&texts.each_ref().map(String::as_str)), @r#"
    node `a`, rule 2: `nobody` is no node, no segment, and no block of addresses such as `198.18.7.0/24`
    node `a`, rule 2: `10.0.0.0/33` is no block of addresses: its address has fewer bits
    node `a`, rule 2: `10.0.0.1/8` is no block of addresses: bits are set beyond its length
    node `a`, rule 2: ports are of TCP and UDP: add `protocol = "tcp"` or `"udp"`
    node `a`, rule 2: `90-80` is no range of ports, such as `8000-8100`
    data did not match any variant of untagged enum OneOrMany
    "#);
}

#[test]
fn more_than_has_addresses() {
    let mut spec = wharf_topology::star(511);
    Topology::build(&spec).expect("each wire has a block");
    spec = wharf_topology::star(512);
    let blocks = Topology::build(&spec).expect_err("one too many");
    let mut spec = Spec::default();
    let names: Vec<_> = (0..255).map(|number| format!("n{number}")).collect();
    for name in &names {
        spec.node
            .insert(name.clone(), wharf_topology::NodeSpec::default());
    }
    let segment = wharf_topology::SegmentSpec {
        nodes: names,
        ..wharf_topology::SegmentSpec::default()
    };
    spec.segment.insert("x".to_owned(), segment);
    let nodes = Topology::build(&spec).expect_err("one too many");
    assert_snapshot!(format!("{blocks}\n{nodes}"), @r"
    there are 512 segments in one space of addresses, and at most 511 have room
    there are 255 nodes on one segment, and at most 254 have room
    ");
}
