//! What goes wrong in Toxiproxy, and does not here.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};

use wharf_toxiproxy::Metrics;

use crate::world::{Upstream, World, connect, eventually, passes, rest_of};

/// shopify/toxiproxy #558, #427, #254, #159: an update waits for a byte that never comes.
#[test]
fn fifty_updates_under_load_never_hang() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"bandwidth","attributes":{"rate":50000}}"#);
    world.toxic(r#"{"type":"latency","stream":"upstream","attributes":{"latency":5,"jitter":5}}"#);
    const LENGTH: usize = 20_000_000;
    let pairs: Vec<_> = (0..4).map(|_| upstream.pair(world.listens("p"))).collect();
    let threads: Vec<_> = pairs
        .into_iter()
        .flat_map(|(client, server)| {
            let (mut sink, mut source) = (client, server);
            [
                std::thread::spawn(move || {
                    let block: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
                    source.write_all(&block).expect("it can be sent");
                }),
                std::thread::spawn(move || {
                    let mut block = Vec::new();
                    sink.read_to_end(&mut block).expect("it ends in good order");
                    assert!(block.len() == LENGTH, "{}", block.len());
                    assert!(
                        (0..=250)
                            .cycle()
                            .zip(&block)
                            .all(|(wanted, byte)| wanted == *byte)
                    );
                }),
            ]
        })
        .collect();
    for round in 0..50 {
        let rate = [50_000, 0, 100_000, 20_000][round % 4];
        let body = format!(r#"{{"attributes":{{"rate":{rate}}}}}"#);
        world.must("PATCH", "/proxies/p/toxics/bandwidth_downstream", &body);
        match round % 10 {
            3 => world.toxic(r#"{"type":"slicer","attributes":{"average_size":9000,"size_variation":500}}"#),
            7 => drop(world.must("DELETE", "/proxies/p/toxics/slicer_downstream", "")),
            _ => {}
        }
    }
    world.must("POST", "/reset", "");
    for thread in threads {
        thread.join().expect("nothing was lost");
    }
}

/// PR #764: a rate of none spins for ever, and cannot be changed any more.
#[test]
fn a_rate_of_none_holds_and_can_be_changed() {
    let (world, upstream) = (World::new(), Upstream::new());
    let (mut client, mut server) = upstream.pair(world.proxy_to(upstream.address()));
    world.toxic(r#"{"type":"bandwidth","attributes":{"rate":0}}"#);
    server.write_all(b"held").expect("it can be sent");
    passes(&client, &server, "the other way is clear");
    client.set_nonblocking(true).expect("it can be set");
    let nothing = client.read(&mut [0; 4]).expect_err("nothing passes");
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    client.set_nonblocking(false).expect("it can be set");
    world.must(
        "PATCH",
        "/proxies/p/toxics/bandwidth_downstream",
        r#"{"attributes":{"rate":1000}}"#,
    );
    drop(server);
    assert_eq!(rest_of(&client), "held");
}

/// #265: a client cannot tell an upstream that is down from one that closes.
#[test]
fn an_upstream_that_is_down_is_a_reset_and_is_told() {
    let world = World::with(|config| config.metrics.proxy = true);
    let nobody = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
        gone.local_addr().expect("an address")
    };
    let mut client = connect(world.proxy_to(nobody));
    let error = client.read(&mut [0; 1]).expect_err("it is reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    world.await_said(&format!(
        "proxy p: reset 1 connection: no upstream at {nobody}: {nobody}: connection refused"
    ));
    let metrics = world.must("GET", "/metrics", "");
    let line = metrics
        .lines()
        .find(|line| line.starts_with("wharf_proxy_refused_connections_total"));
    assert!(line.is_some_and(|line| line.ends_with(" 1")), "{metrics}");
}

/// The upstream is dialled in the loop that accepts: one that does not answer blocks the proxy, and its being changed.
#[test]
fn an_upstream_that_does_not_answer_holds_nobody_up() {
    let (world, upstream) = (World::new(), Upstream::new());
    // A listener whose queue is full lets no handshake through.
    let silent = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    silent.bind(&any.into()).expect("a port");
    silent.listen(0).expect("it listens");
    let address = silent
        .local_addr()
        .expect("an address")
        .as_socket()
        .expect("an IP address");
    let mut queue = Vec::new();
    for _ in 0..4 {
        let one = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        one.set_nonblocking(true).expect("it can be set");
        // It hangs, as it should.
        let _ = one.connect(&address.into());
        queue.push(one);
    }
    let proxy = world.proxy_to(address);
    let hanging: Vec<_> = (0..3).map(|_| connect(proxy)).collect();
    eventually("they are dialled", || {
        world.server.links()[0].stats.connections == 3
    });
    let body = format!(r#"{{"upstream":"{}"}}"#, upstream.address());
    world.must("PATCH", "/proxies/p", &body);
    let (client, server) = upstream.pair(world.listens("p"));
    passes(&client, &server, "hello");
    drop((hanging, queue));
}

/// An end in one direction closes both: an answer after it is lost.
#[test]
fn an_answer_after_a_half_close_arrives() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    for toxic in [
        r#"{"type":"noop"}"#,
        r#"{"type":"latency","attributes":{"latency":20}}"#,
        r#"{"type":"latency","stream":"upstream","attributes":{"latency":20}}"#,
        r#"{"type":"bandwidth","attributes":{"rate":5000}}"#,
    ] {
        world.toxic(toxic);
        let (mut client, mut server) = upstream.pair(world.listens("p"));
        client.write_all(b"question").expect("it can be sent");
        client.shutdown(std::net::Shutdown::Write).expect("half a close");
        assert_eq!(rest_of(&server), "question");
        let answer = "answer".repeat(50_000);
        server.write_all(answer.as_bytes()).expect("it can be sent");
        drop(server);
        assert_eq!(rest_of(&client), answer, "{toxic}");
    }
}

/// Bytes are counted when a connection ends.
#[test]
fn bytes_are_counted_while_connections_live() {
    let world = World::with(|config| {
        config.metrics = Metrics {
            proxy: true,
            runtime: true,
        };
    });
    let upstream = Upstream::new();
    let proxy = world.proxy_to(upstream.address());
    let (client, server) = upstream.pair(proxy);
    passes(&client, &server, "12345");
    passes(&server, &client, "123");
    world.toxic(r#"{"type":"timeout"}"#);
    let mut server = server;
    server.write_all(b"swallowed").expect("it can be sent");
    let count = |name: &str, direction: &str| {
        let metrics = world.must("GET", "/metrics", "");
        let line = format!(
            "toxiproxy_proxy_{name}_bytes_total{{direction=\"{direction}\",listener=\"{proxy}\",proxy=\"p\",upstream=\"{}\"}} ",
            upstream.address()
        );
        let found = metrics.lines().find_map(|one| one.strip_prefix(&line));
        found
            .and_then(|value| value.parse::<u64>().ok())
            .expect("it is there")
    };
    eventually("all is read", || count("received", "downstream") == 12);
    assert_eq!(count("sent", "downstream"), 3);
    assert_eq!((count("received", "upstream"), count("sent", "upstream")), (5, 5));
    // They outlive the link, by its addresses.
    world.must("DELETE", "/proxies/p", "");
    assert_eq!(count("received", "upstream"), 5);
    let metrics = world.must("GET", "/metrics", "");
    for name in [
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        if cfg!(target_os = "linux") {
            assert!(metrics.contains(&format!("# TYPE {name} ")), "{metrics}");
        }
    }
}
