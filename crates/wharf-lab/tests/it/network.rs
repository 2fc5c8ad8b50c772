//! Whole networks: routes, routers, translators, firewalls, links, and what is reached.

use std::ffi::OsString;
use std::io::{PipeReader, Read, Write, pipe};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use wharf_lab::{
    Allow, Exit, Guest, Loopback, Machine, Network, NetworkFigures, NetworkLink, NetworkSpec, Tools,
};
use wharf_link::{Conditions, Seed};
use wharf_topology::{Direction, Family, NodeId, Ready, Role, Spec, Topology, star};

use crate::lab::{alone, conditions, quantile, traveller};

/// A network of this specification, whose segments have the conditions that it says.
fn spec(topology: &Spec) -> NetworkSpec {
    let topology = Topology::build(topology).expect("a topology");
    let resolve = |settings: &wharf_link::Settings| {
        let resolved = settings.resolve(&Conditions::CLEAR, &mut |_| Err("no files".to_owned()));
        resolved.expect("conditions")
    };
    let segments = topology.segments().map(|(_, segment)| {
        [Direction::Up, Direction::Down].map(|direction| resolve(segment.settings(direction)))
    });
    NetworkSpec {
        exe: traveller(),
        segments: segments.collect(),
        topology,
        links: Vec::new(),
        seed: Seed(7),
        congestion: None,
        tun: "/dev/net/tun".into(),
        machine: None,
        loopback: Loopback::Own,
    }
}

fn written(text: &str) -> NetworkSpec {
    spec(&toml::from_str(text).expect("a specification"))
}

/// A network that is up.
struct Field {
    network: Network,
    topology: Topology,
}

/// A command that runs on.
struct Going {
    guest: Guest,
    out: PipeReader,
    err: PipeReader,
}

impl Field {
    fn start(spec: &NetworkSpec) -> Self {
        let network = Network::start(spec);
        Self {
            network: network.unwrap_or_else(|error| panic!("{error}; hint: {:?}", error.hint())),
            topology: spec.topology.clone(),
        }
    }

    fn node(&self, name: &str) -> NodeId {
        self.topology.node(name).expect("a node")
    }

    /// The address of a node on its first segment.
    fn v4(&self, name: &str) -> String {
        let first = self.topology.addresses(self.node(name)).next();
        first.expect("an address").to_string()
    }

    fn begin(&self, at: &str, words: &[&str]) -> Going {
        let (out, out_end) = pipe().expect("a pipe");
        let (err, err_end) = pipe().expect("a pipe");
        let nothing = std::fs::File::open("/dev/null").expect("/dev/null");
        let streams = [nothing.as_fd(), out_end.as_fd(), err_end.as_fd()];
        let mut command = vec![traveller().into_os_string()];
        command.extend(words.iter().map(OsString::from));
        let guest = self
            .network
            .run(self.node(at), &command, streams, Tools::Ordinary);
        Going {
            guest: guest.expect("a guest"),
            out,
            err,
        }
    }

    /// A server, once it listens.
    fn serve(&self, at: &str, words: &[&str], port: u16) -> Going {
        let server = self.begin(at, words);
        for _ in 0..2000 {
            let listeners = self.network.listeners(self.node(at)).expect("listeners");
            if listeners.iter().any(|socket| socket.local.port() == port) {
                return server;
            }
            assert!(!server.guest.has_ended(), "{}", server.finish());
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{words:?} at {at} does not listen");
    }

    fn run(&self, at: &str, words: &[&str]) -> String {
        self.begin(at, words).finish()
    }

    fn figures(&self) -> NetworkFigures {
        self.network.figures().expect("figures")
    }
}

impl Going {
    /// Waits for it, and gives what it printed.
    fn finish(mut self) -> String {
        let exit = self.guest.wait().expect("it ran");
        drop(self.guest);
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).expect("read");
        self.err.read_to_string(&mut err).expect("read");
        assert_eq!(exit, Exit::Code(0), "{out}{err}");
        out.trim().to_owned()
    }
}

/// The hosts of a topology.
fn hosts(topology: &Topology) -> impl Iterator<Item = (NodeId, &str)> {
    let hosts = topology.nodes().filter(|(_, node)| node.role == Role::Host);
    hosts.map(|(id, node)| (id, node.name.as_str()))
}

#[test]
fn who_has_a_route_is_reached_in_every_network_that_is_ready() {
    let _alone = alone();
    for name in ["two-regions", "dumb-bell", "satellite"] {
        let mut spec = spec(&Ready::named(name).expect("ready").spec);
        // Which way packets go is asked, and not which are lost.
        spec.segments.fill([Conditions::CLEAR, Conditions::CLEAR]);
        let field = Field::start(&spec);
        let routes = field.topology.routes();
        let (id, first) = hosts(&field.topology).next().expect("a host");
        let mut words = vec!["reach"];
        words.extend(hosts(&field.topology).skip(1).map(|(_, name)| name));
        let said = field.run(first, &words);
        for (other, other_name) in hosts(&field.topology).skip(1) {
            for (family, number) in [(Family::V4, 4), (Family::V6, 6)] {
                let path = field.topology.path(&routes, id, other, family);
                let expected = format!("{other_name}/{number}:{}", u8::from(path.is_ok()));
                assert!(said.contains(&expected), "{name}: no {expected} in {said}");
            }
        }
        let nodes = field.figures().crossings.nodes;
        assert!(
            nodes.iter().map(|node| node.forwarded).sum::<u64>() > 0,
            "{nodes:?}"
        );
    }
}

/// Each of 200 hosts reaches ten others by both families.
#[test]
fn two_hundred_hosts_reach_each_other() {
    let _alone = alone();
    let field = Field::start(&spec(&star(200)));
    let names: Vec<&str> = hosts(&field.topology).map(|(_, name)| name).collect();
    assert_eq!(names.len(), 200);
    // A stride that meets others each time, without a generator of its own.
    let others = |host: usize| (1..=10).map(move |step| (host + step * step * 7 + step) % 200);
    for batch in (0..200).collect::<Vec<_>>().chunks(20) {
        let pinging: Vec<_> = batch
            .iter()
            .map(|&host| {
                let before = field.network.prefix(field.node(names[host]), Tools::Ordinary);
                let before = before.expect("a host");
                let mut command = Command::new(&before[0]);
                command.args(&before[1..]).arg(traveller()).arg("reach");
                command.args(others(host).map(|other| names[other]));
                command.stdout(Stdio::piped()).spawn().expect("it starts")
            })
            .collect();
        for (host, child) in batch.iter().zip(pinging) {
            let said = child.wait_with_output().expect("it ran").stdout;
            let said = String::from_utf8_lossy(&said).into_owned();
            let answered = said.matches(":1").count();
            let asked = others(*host).collect::<std::collections::BTreeSet<_>>().len() * 2;
            assert_eq!((answered, said.matches(":0").count()), (asked, 0), "{said}");
        }
    }
}

#[test]
fn a_round_trip_takes_what_its_segments_take() {
    let _alone = alone();
    let field = Field::start(&written(
        "
        node.a = {}
        node.r = { kind = 'router' }
        node.b = {}
        segment.near = { nodes = ['a', 'r'], latency = '3ms', down = { latency = '5ms' } }
        segment.far = { nodes = ['r', 'b'], latency = '7ms' }
        ",
    ));
    let [v4, v6] = [0, 1].map(|family| {
        let addresses: Vec<_> = field.topology.addresses(field.node("b")).collect();
        addresses[family].to_string()
    });
    for address in [v4, v6] {
        let said = field.run("a", &["ping-to", &address, "40", "5000"]);
        let trips: Vec<u64> = said
            .split_whitespace()
            .map(|trip| trip.parse().expect(&said))
            .collect();
        assert_eq!(trips.len(), 40);
        let median = quantile(&trips, 0.5) as f64 / 1e6;
        assert!((22.0..23.5).contains(&median), "{median} ms to {address}");
    }
}

#[test]
fn routers_answer_what_ends_there_in_their_order() {
    let _alone = alone();
    let field = Field::start(&spec(&Ready::named("two-regions").expect("ready").spec));
    let routes = field.topology.routes();
    let names: Vec<_> = hosts(&field.topology).collect();
    let (from, to) = (names[0], names[names.len() - 1]);
    let path = field
        .topology
        .path(&routes, from.0, to.0, Family::V4)
        .expect("a path");
    let count = path.hops.len();
    assert!(count > 1, "{path:?}");
    let script = format!(
        "for ttl in $(seq {count}); do ping -4 -n -c 1 -W 2 -t $ttl {} | grep -i '^from\\|bytes from'; done",
        path.destination
    );
    let before = field.network.prefix(from.0, Tools::Ordinary).expect("a host");
    let ran = Command::new(&before[0])
        .args(&before[1..])
        .args(["sh", "-c", &script])
        .output()
        .expect("it ran");
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), count, "{ran:?}");
    for (line, hop) in lines.iter().zip(&path.hops) {
        assert!(line.contains(&hop.address.to_string()), "{line}: {hop:?}");
    }
}

/// Two senders over one bottleneck, whose wires take so long one way: how many packets each got through in eight
/// seconds, and the mean round trip that its kernel knew.
fn share(latencies: [&str; 2]) -> [(f64, f64); 2] {
    let mut spec = written(&format!(
        "
        node.one = {{}}
        node.two = {{}}
        node.left = {{ kind = 'router' }}
        node.right = {{ kind = 'router' }}
        node.sink = {{}}
        segment.first = {{ nodes = ['one', 'left'], latency = '{}' }}
        segment.second = {{ nodes = ['two', 'left'], latency = '{}' }}
        segment.bottleneck = {{ nodes = ['left', 'right'], up = {{ rate = '8mbit', queue = '64KiB', discipline = 'red' }} }}
        segment.last = {{ nodes = ['right', 'sink'] }}
        ",
        latencies[0], latencies[1]
    ));
    spec.congestion = Some("reno".to_owned());
    let field = Field::start(&spec);
    let address = format!("{}:9000", field.v4("sink"));
    let _sink = field.serve("sink", &["swallow", &address], 9000);
    let both = ["one", "two"].map(|name| field.begin(name, &["pour", &address, "8"]));
    let got = both.map(|sender| {
        let said = sender.finish();
        let (packets, trip) = said.split_once(' ').expect("two numbers");
        (
            packets.parse().expect("a number"),
            trip.parse().expect("a number"),
        )
    });
    let [up, _] = &field.figures().crossings.segments[0];
    assert!(up.dropped() > 0, "nobody had to share: {up:?}");
    got
}

/// Where drops fall by chance (RED: Floyd and Jacobson, 1993, section 5), each flow's rate goes with 1 / RTT at equal drop
/// rates (Mathis et al., 1997), so that two share as the inverse of their round trips. How far that is from what
/// they got, is up to some dozen drops.
#[test]
fn flows_share_a_bottleneck_as_their_round_trips_predict() {
    let _alone = alone();
    let [near, far] = share(["5ms", "25ms"]);
    let (ratio, predicted) = (near.0 / far.0, far.1 / near.1);
    assert!(predicted > 1.5, "{near:?} {far:?}");
    assert!(
        (predicted / 1.5..predicted * 1.5).contains(&ratio),
        "{ratio:.2}, not {predicted:.2}: {near:?} {far:?}"
    );
    let [one, two] = share(["10ms", "10ms"]);
    let ratio = one.0 / two.0;
    assert!((0.6..1.65).contains(&ratio), "{ratio:.2}: {one:?} {two:?}");
}

/// The kinds of address translators, told from outside, by what RFC 5780 asks.
#[test]
fn each_kind_of_translator_is_what_a_probe_finds() {
    let _alone = alone();
    for kind in [
        "full-cone",
        "restricted",
        "port-restricted",
        "symmetric",
        "carrier-grade",
    ] {
        let field = Field::start(&written(&format!(
            "
            node.client = {{}}
            node.box = {{ kind = 'nat', inside = ['lan'], nat = '{kind}' }}
            node.core = {{ kind = 'router' }}
            node.server = {{}}
            segment.lan = {{ nodes = ['client', 'box'] }}
            segment.wan = {{ nodes = ['box', 'core'] }}
            segment.one = {{ nodes = ['core', 'server'] }}
            segment.two = {{ nodes = ['core', 'server'] }}
            "
        )));
        let server = field.node("server");
        let addresses: Vec<_> = field.topology.addresses(server).filter(|a| a.is_ipv4()).collect();
        let ends: Vec<String> = addresses
            .iter()
            .flat_map(|address| [3478, 3479].map(|port| format!("{address}:{port}")))
            .collect();
        let words = |first| -> Vec<&str> {
            [first]
                .into_iter()
                .chain(ends.iter().map(String::as_str))
                .collect()
        };
        let _server = field.serve("server", &words("stun-server"), 3479);
        let said = field.run("client", &words("stun-probe"));
        let Role::Nat(behaviour) = field.topology[field.node("box")].role else {
            panic!("it is a translator");
        };
        let word = |dependence| {
            let value = serde_json::to_value(dependence).expect("a value");
            value.as_str().expect("a word").to_owned()
        };
        let expected = format!("{} {}", word(behaviour.mapping), word(behaviour.filtering));
        assert!(said.starts_with(&expected), "{kind}: {said}, not {expected}");
        // The client is seen as the translator, by its outside address.
        let outside = field
            .topology
            .interface(field.node("box"), field.topology.segment("wan").expect("it"));
        let outside = outside.expect("an interface").addresses[0].to_string();
        assert!(said.contains(&outside), "{kind}: {said}, not from {outside}");
    }
}

#[test]
fn a_firewall_lets_pass_what_it_allows() {
    let _alone = alone();
    let field = Field::start(&written(
        "
        node.out = {}
        node.in = {}
        node.wall = { kind = 'firewall', inside = ['safe'], rules = [
            { action = 'allow', direction = 'out' },
            { action = 'allow', direction = 'in', protocol = 'tcp', port = 80 },
            { action = 'reject', direction = 'in', protocol = 'tcp', port = 81 },
        ] }
        segment.wild = { nodes = ['out', 'wall'] }
        segment.safe = { nodes = ['wall', 'in'] }
        ",
    ));
    let address = field.v4("in");
    let _servers = [80, 81, 82].map(|port| {
        let at = format!("{address}:{port}");
        field.serve("in", &["serve", &at], port)
    });
    let from = field.v4("out");
    let check = |port: u16, expected: &str| {
        assert_eq!(
            field.run("out", &["ask", &format!("{address}:{port}")]),
            expected,
            "port {port}"
        );
    };
    check(80, &from);
    check(81, "ConnectionRefused");
    check(82, "TimedOut");
    let nodes = field.figures().crossings.nodes;
    let wall = nodes.iter().find(|node| node.name == "wall").expect("it");
    assert!(wall.firewall >= 2 && wall.forwarded > 0, "{wall:?}");
}

#[test]
fn routers_go_around_a_segment_that_is_down() {
    let _alone = alone();
    let field = Field::start(&written(
        "
        node.a = {}
        node.r = { kind = 'router' }
        node.s = { kind = 'router' }
        node.b = {}
        segment.left = { nodes = ['a', 'r'] }
        segment.short = { nodes = ['r', 's'] }
        segment.long = { nodes = ['r', 's'], latency = '20ms', metric = 10 }
        segment.right = { nodes = ['s', 'b'] }
        ",
    ));
    let segment = |name: &str| field.topology.segment(name).expect("a segment");
    let reach = || field.run("a", &["reach", "b"]);
    let passed = |name: &str| {
        let segments = field.figures().crossings.segments;
        let [up, down] = &segments[segment(name).index()];
        up.delivered + down.delivered
    };
    assert_eq!(reach(), "b/4:1 b/6:1");
    assert_eq!((passed("short"), passed("long")), (4, 0));
    field.network.cut(segment("short"));
    assert_eq!(reach(), "b/4:1 b/6:1");
    assert_eq!((passed("short"), passed("long")), (4, 4));
    field.network.cut(segment("long"));
    assert_eq!(reach(), "b/4:0 b/6:0");
    field.network.heal(segment("short"));
    assert_eq!(reach(), "b/4:1 b/6:1");
    assert_eq!((passed("short"), passed("long")), (8, 4));
}

/// What it costs to send is each router's own, so that ways there and back differ; and a host of two segments has
/// an address on each.
#[test]
fn ways_there_and_back_differ_where_their_metrics_do() {
    let _alone = alone();
    let field = Field::start(&written(
        "
        node.a = {}
        node.r = { kind = 'router' }
        node.s = { kind = 'router' }
        node.b = {}
        segment.left = { nodes = ['a', 'r'] }
        segment.upper = { nodes = ['r', 's'], metric = { r = 1, s = 9 } }
        segment.lower = { nodes = ['r', 's'], metric = { r = 9, s = 1 }, latency = '4ms' }
        segment.right = { nodes = ['s', 'b'] }
        segment.other = { nodes = ['s', 'b'] }
        ",
    ));
    let addresses: Vec<_> = field.topology.addresses(field.node("b")).collect();
    assert_eq!(addresses.len(), 4, "{addresses:?}");
    for address in &addresses {
        let said = field.run("a", &["ping-to", &address.to_string(), "2", "1000"]);
        assert_eq!(
            said.split_whitespace().filter(|trip| *trip != "-").count(),
            2,
            "{address}: {said}"
        );
    }
    let figures = field.figures().crossings;
    let [upper, lower] = ["upper", "lower"].map(|name| {
        let segment = field.topology.segment(name).expect("a segment");
        let [up, down] = &figures.segments[segment.index()];
        (up.delivered, down.delivered)
    });
    assert_eq!((upper, lower), ((8, 0), (0, 8)));
}

/// Two services that one needs, each behind a link of its own.
#[test]
fn a_link_acts_on_the_ports_of_its_provider_alone() {
    let _alone = alone();
    let mut spec = written(
        "
        node.web = {}
        node.api = {}
        segment.lab = { nodes = ['web', 'api'] }
        ",
    );
    let node = |name: &str| spec.topology.node(name).expect("a node");
    spec.links = vec![NetworkLink {
        name: "web -> api".to_owned(),
        consumer: node("web"),
        provider: node("api"),
        ports: vec![80],
        up: conditions("latency=300ms"),
        down: conditions("latency=200ms"),
    }];
    let field = Field::start(&spec);
    let address = field.v4("api");
    let _servers = [80, 81].map(|port| {
        let at = format!("{address}:{port}");
        field.serve("api", &["serve", &at], port)
    });
    let connect = |port: u16| -> f64 {
        let said = field.run("web", &["connect-to", &format!("{address}:{port}")]);
        said.parse::<f64>().expect(&said) / 1e6
    };
    let (slow, fast) = (connect(80), connect(81));
    assert!((500.0..800.0).contains(&slow), "{slow} ms");
    assert!(fast < 200.0, "{fast} ms");
    // Nothing overtakes what is under way: the end of that connection, still.
    let is_empty = || {
        let links = field.figures().crossings.links;
        links[0].iter().all(|way| way.offered == way.delivered)
    };
    let drained = (0..2000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        is_empty()
    });
    assert!(drained, "{:?}", field.figures().crossings.links);
    field.network.set_link(0, Conditions::CLEAR, Conditions::CLEAR);
    let healed = connect(80);
    assert!(healed < 200.0, "{healed} ms");
    let [up, down] = &field.figures().crossings.links[0];
    assert!(up.delivered > 2 && down.delivered > 2, "{up:?} {down:?}");
}

/// What listens on a host's loopback alone: reached if that is wanted, from the loopback, as it looks.
#[test]
fn a_loopback_is_reached_where_that_is_wanted() {
    let _alone = alone();
    let mut spec = written(
        "
        node.web = {}
        node.db = {}
        segment.lab = { nodes = ['web', 'db'] }
        ",
    );
    let servers = |field: &Field| {
        [
            field.serve("db", &["serve", "127.0.0.1:5432"], 5432),
            field.serve("db", &["serve", "[::1]:5433"], 5433),
            field.serve("db", &["serve", "0.0.0.0:5434"], 5434),
        ]
    };
    let check = |field: &Field, port: u16, expected: &str| {
        let address = field.v4("db");
        let said = field.run("web", &["ask", &format!("{address}:{port}")]);
        assert_eq!(said, expected, "port {port}");
    };
    let field = Field::start(&spec);
    let _own = servers(&field);
    check(&field, 5432, "ConnectionRefused");
    check(&field, 5433, "ConnectionRefused");
    check(&field, 5434, &field.v4("web"));
    drop(field);
    spec.loopback = Loopback::Reached;
    let field = Field::start(&spec);
    let own = servers(&field);
    check(&field, 5432, "127.0.0.1");
    check(&field, 5433, "::1");
    // Who listens on every address needs no relay, and sees who asks.
    check(&field, 5434, &field.v4("web"));
    check(&field, 5435, "ConnectionRefused");
    // What the relay in there listens on is not the host's.
    let seen = field.network.listeners(field.node("db")).expect("listeners");
    assert_eq!(seen.len(), 3, "{seen:?}");
    drop(own);
    check(&field, 5432, "ConnectionRefused");
}

#[test]
fn this_machine_is_a_node_where_that_is_wanted() {
    let _alone = alone();
    let mut spec = written(
        "
        node.web = {}
        node.gateway = {}
        segment.lab = { nodes = ['web', 'gateway'] }
        ",
    );
    let open = TcpListener::bind("127.0.0.1:0").expect("a port");
    let shut = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    spec.machine = Some(Machine {
        node: spec.topology.node("gateway").expect("it"),
        allow: Allow::Only(vec![port(&open)]),
    });
    let field = Field::start(&spec);
    let address = field.v4("gateway");
    let server = std::thread::spawn({
        let open = open.try_clone().expect("a second descriptor");
        move || {
            let (mut stream, _) = open.accept().expect("a connection");
            stream.write_all(b"of this machine").expect("written");
        }
    });
    let ask = |port: u16| field.run("web", &["ask", &format!("{address}:{port}")]);
    assert_eq!(ask(port(&open)), "of this machine");
    server.join().expect("served");
    assert_eq!(ask(port(&shut)), "ConnectionRefused");
}

#[test]
fn a_port_of_a_host_is_published_on_this_machine() {
    let _alone = alone();
    let field = Field::start(&written(
        "
        node.web = {}
        node.api = {}
        segment.lab = { nodes = ['web', 'api'] }
        ",
    ));
    let _server = field.serve("api", &["serve", "127.0.0.1:80"], 80);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    field
        .network
        .publish(field.node("api"), 80, &[listener])
        .expect("published");
    let mut said = String::new();
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    stream.read_to_string(&mut said).expect("read");
    assert_eq!(said, "127.0.0.1");
}
