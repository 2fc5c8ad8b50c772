//! `wharf topology`: lists, pictures, ways, files, and what is wrong with them.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::world::World;

fn json(world: &World, arguments: &[&str]) -> Value {
    let mut all = vec!["topology"];
    all.extend(arguments);
    all.push("--json");
    serde_json::from_str(&world.run(&all).ok()).expect("JSON")
}

/// The texts under a key of each item of a list.
fn each<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let items = list.as_array().expect("a list").iter();
    items.map(|item| item[key].as_str().expect("a text")).collect()
}

#[test]
fn those_that_are_ready_are_listed_and_each_is_drawn() {
    let world = World::new();
    let listed = world.run(&["topology"]).ok();
    let list = json(&world, &[]);
    assert_eq!(
        each(&list, "name"),
        [
            "two-regions",
            "home-isp-cloud",
            "dumb-bell",
            "satellite",
            "star-50"
        ]
    );
    for ready in list.as_array().expect("a list") {
        let name = ready["name"].as_str().expect("a name");
        assert!(
            listed.lines().any(|line| line.starts_with(name)),
            "{name} in {listed}"
        );
        let shape = json(&world, &[name]);
        let (nodes, segments) = (each(&shape["nodes"], "name"), each(&shape["segments"], "name"));
        assert_eq!(ready["nodes"], nodes.len(), "{name}");
        assert_eq!(ready["segments"], segments.len(), "{name}");
        let drawn = world.run(&["topology", name]).ok();
        let svg = format!("{name}.svg");
        let said = world.run(&["topology", name, "--svg", &svg]).ok();
        assert!(said.starts_with(&svg) && said.contains(name), "{said}");
        let svg = fs::read_to_string(world.project().join(svg)).expect("a picture");
        assert!(svg.starts_with("<svg"), "{name}");
        for part in nodes.iter().chain(&segments) {
            assert!(drawn.contains(part), "{part} in {drawn}");
            assert!(svg.contains(&format!(">{part}</text>")), "{part} in {svg}");
        }
    }
}

#[test]
fn ways_are_said_hop_by_hop() {
    let world = World::new();
    let way = |from, to| {
        world
            .run(&["topology", "home-isp-cloud", "--path", from, to])
            .ok()
    };
    assert_snapshot!(way("laptop", "web"), @r"
    IPv4: laptop to web at 198.19.126.2: metric 5, 27.05ms one way, without queues and jitter
    HOP  OVER         LATENCY  TO        KIND             ADDRESS
    1    wifi up      5ms      home      nat, translates  10.100.72.3
    2    line up      14ms     carrier   nat, translates  100.86.39.2
    3    backbone up  5ms      exchange  router           198.19.228.2
    4    transit up   3ms      edge      firewall         198.19.84.2
    5    cloud up     50us     web       host             198.19.126.2
    IPv6: laptop to web at fd77:6861:7266:a97e::2: metric 5, 27.05ms one way, without queues and jitter
    HOP  OVER         LATENCY  TO        KIND      ADDRESS
    1    wifi up      5ms      home      nat       fd77:6861:7266:6448::3
    2    line up      14ms     carrier   nat       fd77:6861:7266:1627::2
    3    backbone up  5ms      exchange  router    fd77:6861:7266:53e4::2
    4    transit up   3ms      edge      firewall  fd77:6861:7266:b54::2
    5    cloud up     50us     web       host      fd77:6861:7266:a97e::2
    ");
    // Nobody outside reaches an address behind a translator; IPv6 is not translated.
    assert_snapshot!(way("web", "laptop"), @r"
    IPv4: web to laptop: none: web has no route to 10.100.72.1
    IPv6: web to laptop at fd77:6861:7266:6448::1: metric 5, 27.05ms one way, without queues and jitter
    HOP  OVER           LATENCY  TO        KIND      ADDRESS
    1    cloud down     50us     edge      firewall  fd77:6861:7266:a97e::1
    2    transit down   3ms      exchange  router    fd77:6861:7266:b54::1
    3    backbone down  5ms      carrier   nat       fd77:6861:7266:53e4::1
    4    line down      14ms     home      nat       fd77:6861:7266:1627::1
    5    wifi down      5ms      laptop    host      fd77:6861:7266:6448::1
    ");
}

/// Each way begins and ends where it should, each hop begins where the one before ended, and the sums are
/// those of the hops.
#[test]
fn ways_hang_together() {
    let world = World::new();
    for name in ["dumb-bell", "home-isp-cloud", "satellite"] {
        let shape = json(&world, &[name]);
        let nodes = each(&shape["nodes"], "name");
        let address_of = |node: &str, address: &Value| {
            let mut nodes = shape["nodes"].as_array().expect("nodes").iter();
            let node = nodes.find(|one| one["name"] == node).expect("the node");
            let mut on = node["interfaces"].as_array().expect("interfaces").iter();
            on.any(|on| on["ipv4"] == *address || on["ipv6"] == *address)
        };
        for (index, from) in nodes.iter().enumerate() {
            let to = nodes[(index + 3) % nodes.len()];
            let ways = json(&world, &[name, "--path", from, to]);
            assert!(
                ways["ipv6"].is_object(),
                "{name}: {from} to {to}: IPv6 leads everywhere"
            );
            let is_translated = name == "home-isp-cloud";
            assert!(
                is_translated || ways["ipv4"].is_object(),
                "{name}: {from} to {to}"
            );
            for way in [&ways["ipv4"], &ways["ipv6"]]
                .into_iter()
                .filter(|way| !way.is_null())
            {
                assert!(address_of(to, &way["destination"]), "{way}");
                let hops = way["hops"].as_array().expect("hops");
                let (mut at, mut latency) = (*from, 0.0);
                for hop in hops {
                    assert_eq!(hop["from"], at, "{way}");
                    at = hop["to"].as_str().expect("a node");
                    assert!(address_of(at, &hop["address"]), "{way}");
                    latency += hop["latency_ms"].as_f64().expect("a number");
                }
                assert_eq!(at, to, "{way}");
                let sum = way["latency_ms"].as_f64().expect("a number");
                assert!((sum - latency).abs() < 1e-6, "{way}");
            }
        }
    }
}

#[test]
fn a_file_says_what_network_it_is() {
    let world = World::new();
    world.file(
        "
        [service.pc]
        run = 'true'

        [node.home]
        kind = 'nat'
        inside = ['lan']
        [node.server]

        [segment.lan]
        nodes = ['pc', 'home']
        latency = '1ms'

        [segment.street]
        nodes = ['home', 'server']
        up.latency = '30ms'
        down.latency = '10ms'
    ",
    );
    assert_snapshot!(world.run(&["topology", "wharf.toml", "--path", "pc", "server"]).ok(), @r"
    IPv4: pc to server at 198.18.62.2: metric 2, 31ms one way, without queues and jitter
    HOP  OVER       LATENCY  TO      KIND             ADDRESS
    1    lan up     1ms      home    nat, translates  10.128.16.2
    2    street up  30ms     server  host             198.18.62.2
    IPv6: pc to server at fd77:6861:7266:43e::2: metric 2, 31ms one way, without queues and jitter
    HOP  OVER       LATENCY  TO      KIND  ADDRESS
    1    lan up     1ms      home    nat   fd77:6861:7266:8010::2
    2    street up  30ms     server  host  fd77:6861:7266:43e::2
    ");
    assert_snapshot!(world.run(&["topology", "./wharf.toml"]).ok(), @r"
    pc ─── <home> ─── server

    <nat>  host

    SEGMENT  NODES        METRIC  IPV4            IPV6                      CONDITIONS
    lan      pc home      1       10.128.16.0/24  fd77:6861:7266:8010::/64  1ms
    street   home server  1       198.18.62.0/24  fd77:6861:7266:43e::/64   up 30ms; down 10ms
    ");
    let shape = json(&world, &["wharf.toml"]);
    let home = &shape["nodes"][0];
    assert_eq!((&home["name"], &home["kind"]), (&"home".into(), &"nat".into()));
    assert_eq!(each(&home["interfaces"], "side"), ["inside", "outside"]);
    assert_eq!(shape["segments"][1]["up"]["latency"], "30ms");
}

/// What the manual shows as a file is one.
#[test]
fn the_manual_s_file_is_a_network() {
    let world = World::new();
    let manual = include_str!("../../../../docs/topology.md");
    let (_, rest) = manual.split_once("```toml\n").expect("a file is shown");
    let (file, _) = rest.split_once("```").expect("it ends");
    world.write("net.toml", file);
    let ways = json(&world, &["./net.toml", "--path", "pc", "server"]);
    assert_eq!(ways["ipv4"]["metric"], 11);
    assert_eq!(ways["ipv4"]["hops"][0]["translates"], true);
    assert_eq!(ways["ipv6"]["hops"][0]["translates"], false);
    let back = json(&world, &["./net.toml", "--path", "server", "pc"]);
    assert_eq!(back["ipv4"], Value::Null);
    assert_eq!(back["ipv6"]["latency_ms"], 11.0);
}

/// Two networks that nothing joins.
const APART: &str = "
    segment.one.nodes = ['a', 'b']
    segment.two.nodes = ['c', 'd']
    node = { a = {}, b = {}, c = {}, d = {} }
";

#[test]
fn what_is_wrong_is_said() {
    let world = World::new();
    let check = |text: Option<&str>, arguments: &[&str], code: i32, texts: &[&str]| {
        if let Some(text) = text {
            world.write("net.toml", text);
        }
        let mut all = vec!["topology"];
        all.extend(arguments);
        world.run(&all).fails(code, texts);
    };
    check(
        None,
        &["two-region"],
        2,
        &["`two-region`", "did you mean `two-regions`"],
    );
    check(None, &["mesh"], 2, &["`mesh`", "`wharf topology` lists"]);
    check(None, &["none.toml"], 2, &["read none.toml"]);
    check(None, &["."], 2, &["read ."]);
    check(None, &["--svg", "x.svg"], 2, &["NAME|FILE"]);
    check(None, &["star-50", "--svg", "no/x.svg"], 1, &["write no/x.svg"]);
    check(None, &["star-50", "--path", "hub"], 2, &["--path"]);
    check(
        None,
        &["satellite", "--path", "bridge", "offic"],
        2,
        &["no node `offic`", "did you mean `office`"],
    );
    check(
        None,
        &["satellite", "--path", "crew", "crew"],
        2,
        &["crew is where it begins"],
    );
    let file = &["net.toml"];
    check(Some(""), file, 2, &["net.toml", "no [node.X]"]);
    check(Some("[node.a]\n[node.b\n"), file, 2, &["net.toml:2:"]);
    check(
        Some("[node.a]\nkind = 'bridge'\n"),
        file,
        2,
        &["net.toml:2:8", "bridge"],
    );
    check(
        Some("[segment.s]\nrate = '1mbit'\n"),
        file,
        2,
        &["net.toml:1:", "nodes"],
    );
    check(
        Some("node.a = {}\nsegment.s = { nodes = ['a', 'b'] }\n"),
        file,
        2,
        &["topology net.toml", "there is no [node.b]"],
    );
    check(
        Some(APART),
        &["net.toml", "--path", "a", "c"],
        1,
        &["from a to c", "no route"],
    );
}
