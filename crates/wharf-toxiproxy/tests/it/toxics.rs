//! What toxics do to connections.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::world::{Upstream, World, connect, eventually, passes, rest_of};

/// One end of a connection sends, and the other has it: how long that took.
fn time_of(from: &TcpStream, to: &TcpStream) -> Duration {
    let begun = Instant::now();
    passes(from, to, "ping");
    begun.elapsed()
}

fn is_reset(mut stream: &TcpStream) -> bool {
    stream
        .read(&mut [0; 16])
        .is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn toxics_come_and_go_on_connections_that_live() {
    let (world, upstream) = (World::new(), Upstream::new());
    let (client, server) = upstream.pair(world.proxy_to(upstream.address()));
    const ONE: Duration = Duration::from_secs(1);
    passes(&client, &server, "hello");
    world.toxic(r#"{"type":"latency","attributes":{"latency":1000}}"#);
    world.toxic(r#"{"type":"latency","name":"second","attributes":{"latency":1000}}"#);
    assert!(time_of(&server, &client) >= 2 * ONE, "they add up");
    assert!(time_of(&client, &server) < ONE, "the other way is clear");
    world.must(
        "PATCH",
        "/proxies/p/toxics/second",
        r#"{"attributes":{"latency":0}}"#,
    );
    let one = time_of(&server, &client);
    assert!((ONE..2 * ONE).contains(&one), "{one:?}");
    world.must("DELETE", "/proxies/p/toxics/latency_downstream", "");
    assert!(time_of(&server, &client) < ONE);
}

#[test]
fn jitter_keeps_the_order() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"latency","stream":"upstream","attributes":{"latency":20,"jitter":20}}"#);
    let (mut client, server) = upstream.pair(world.listens("p"));
    let text: String = (0..200).map(|number| format!("{number} ")).collect();
    for word in text.split_inclusive(' ') {
        client.write_all(word.as_bytes()).expect("it can be sent");
    }
    drop(client);
    assert_eq!(rest_of(&server), text);
}

#[test]
fn a_rate_holds_and_changes_at_once() {
    let (world, upstream) = (World::new(), Upstream::new());
    let (client, mut server) = upstream.pair(world.proxy_to(upstream.address()));
    world.toxic(r#"{"type":"bandwidth","attributes":{"rate":100}}"#);
    // 50 kB at 100 kB/s are half a second; the rest, at a hundred times that, next to nothing.
    let sender = std::thread::spawn(move || {
        server.write_all(&vec![7; 5_000_000]).expect("it can be sent");
        server
    });
    let begun = Instant::now();
    let mut client = client;
    client.read_exact(&mut vec![0; 50_000]).expect("it arrives");
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "{:?}",
        begun.elapsed()
    );
    world.must(
        "PATCH",
        "/proxies/p/toxics/bandwidth_downstream",
        r#"{"attributes":{"rate":10000}}"#,
    );
    let changed = Instant::now();
    client.read_exact(&mut vec![0; 4_950_000]).expect("it arrives");
    // At the old rate this would be 49 s.
    assert!(
        changed.elapsed() < Duration::from_secs(20),
        "{:?}",
        changed.elapsed()
    );
    drop(sender.join());
}

#[test]
fn a_timeout_swallows_and_closes_in_time_or_when_it_goes() {
    let (world, upstream) = (World::new(), Upstream::new());
    let (mut client, server) = upstream.pair(world.proxy_to(upstream.address()));
    world.toxic(r#"{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}"#);
    client.write_all(b"lost").expect("it can be sent");
    passes(&server, &client, "the other way is clear");
    world.must("DELETE", "/proxies/p/toxics/timeout_upstream", "");
    assert_eq!(
        rest_of(&server),
        "",
        "what was swallowed is gone, and the connection closed"
    );
    assert_eq!(rest_of(&client), "");

    world.toxic(r#"{"type":"timeout","stream":"upstream","attributes":{"timeout":100}}"#);
    let begun = Instant::now();
    let (client, server) = upstream.pair(world.listens("p"));
    assert_eq!(
        (rest_of(&client), rest_of(&server)),
        (String::new(), String::new())
    );
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[test]
fn a_sender_that_ends_into_a_timeout_leaves_nothing_behind() {
    let (world, upstream) = (World::new(), Upstream::new());
    let (client, server) = upstream.pair(world.proxy_to(upstream.address()));
    world.toxic(r#"{"type":"timeout","attributes":{"timeout":0}}"#);
    drop(client);
    assert_eq!(rest_of(&server), "");
    drop(server);
    eventually("the connection is gone", || {
        world.server.links()[0].stats.connections == 0
    });
}

#[test]
fn reset_peer_resets_connections_that_live_and_new_ones() {
    let (world, upstream) = (World::new(), Upstream::new());
    let (client, mut server) = upstream.pair(world.proxy_to(upstream.address()));
    passes(&client, &server, "hello");
    world.toxic(r#"{"type":"reset_peer","attributes":{"timeout":0}}"#);
    server.write_all(b"the trigger").expect("it can be sent");
    assert!(
        is_reset(&client),
        "Toxiproxy ends a connection that lives in good order instead"
    );
    let (client, mut server) = upstream.pair(world.listens("p"));
    server.write_all(b"the trigger").expect("it can be sent");
    assert!(is_reset(&client));
}

#[test]
fn limit_data_counts_each_connection_and_goes_on_counting() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"limit_data","attributes":{"bytes":10}}"#);
    let (first, mut server) = upstream.pair(world.listens("p"));
    passes(&server, &first, "sixsix");
    let (second, mut other) = upstream.pair(world.listens("p"));
    passes(&other, &second, "sixsix");
    world.must(
        "PATCH",
        "/proxies/p/toxics/limit_data_downstream",
        r#"{"attributes":{"bytes":9}}"#,
    );
    server.write_all(b"12345").expect("it can be sent");
    assert_eq!(rest_of(&first), "123");
    other.write_all(b"12345").expect("it can be sent");
    assert_eq!(rest_of(&second), "123");
}

#[test]
fn slow_close_delays_the_end_alone() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"slow_close","attributes":{"delay":200}}"#);
    let (client, server) = upstream.pair(world.listens("p"));
    passes(&server, &client, "hello");
    let begun = Instant::now();
    drop(server);
    assert_eq!(rest_of(&client), "");
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_slicer_loses_nothing_whatever_its_sizes() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    let text = "0123456789".repeat(50);
    // Toxiproxy recurses for ever on the second.
    for attributes in [
        r#"{"average_size":7,"size_variation":3,"delay":100}"#,
        r#"{"average_size":0,"size_variation":0,"delay":0}"#,
        r#"{"average_size":5,"size_variation":50,"delay":0}"#,
        r#"{"average_size":-5,"size_variation":-5,"delay":-5}"#,
    ] {
        let body = format!(r#"{{"type":"slicer","name":"s","attributes":{attributes}}}"#);
        world.toxic(&body);
        let (client, mut server) = upstream.pair(world.listens("p"));
        server.write_all(text.as_bytes()).expect("it can be sent");
        drop(server);
        assert_eq!(rest_of(&client), text, "{attributes}");
        world.must("DELETE", "/proxies/p/toxics/s", "");
    }
}

#[test]
fn packet_loss_delays_and_never_drops_a_byte() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"packet_loss","attributes":{"loss_rate":0.2,"correlation":0.2}}"#);
    let (client, mut server) = upstream.pair(world.listens("p"));
    let text = "0123456789".repeat(20_000);
    let sent = text.clone();
    let sender = std::thread::spawn(move || server.write_all(sent.as_bytes()));
    assert_eq!(rest_of(&client), text);
    sender.join().expect("it ends").expect("it can be sent");

    // With nothing behind it that could tell of its loss, a message waits for a time-out (RFC 6298).
    let (client, server) = upstream.pair(world.listens("p"));
    let slowest = (0..100).map(|_| time_of(&server, &client)).max();
    assert!(slowest >= Some(Duration::from_millis(150)), "{slowest:?}");
    world.must("POST", "/reset", "");
    assert_eq!(world.server.links()[0].down.to_string(), "clear");
}

/// Which of 64 connections a toxic of half of them acts on.
fn rolls(seed: u64) -> Vec<bool> {
    let upstream = Upstream::new();
    let world = World::with(|config| config.seed = wharf_link::Seed(seed));
    world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"limit_data","toxicity":0.5,"attributes":{"bytes":1}}"#);
    let hit = |_| {
        let (client, mut server) = upstream.pair(world.listens("p"));
        server.write_all(b"12").expect("it can be sent");
        drop(server);
        rest_of(&client).len() == 1
    };
    (0..64).map(hit).collect()
}

#[test]
fn toxicity_is_rolled_for_each_connection_by_the_seed() {
    let first = rolls(7);
    assert_eq!(first, rolls(7), "the same seed, the same connections");
    assert_ne!(first, rolls(8));
    // Outside of this one time in 10⁹ (binomial, n = 64, p = 1/2).
    let hits = first.iter().filter(|hit| **hit).count();
    assert!((9..=55).contains(&hits), "{hits}");
}

#[test]
fn a_toxicity_of_none_touches_nobody() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"reset_peer","toxicity":0,"attributes":{"timeout":0}}"#);
    for _ in 0..20 {
        let (client, server) = upstream.pair(world.listens("p"));
        passes(&client, &server, "there");
        passes(&server, &client, "and back");
        drop(server);
        assert_eq!(rest_of(&client), "");
    }
}

#[test]
fn noop_does_nothing_and_a_negative_number_is_none() {
    let (world, upstream) = (World::new(), Upstream::new());
    world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"noop"}"#);
    world.toxic(r#"{"type":"latency","attributes":{"latency":-50,"jitter":-50}}"#);
    world.toxic(r#"{"type":"slow_close","attributes":{"delay":-50}}"#);
    let client = connect(world.listens("p"));
    let server = upstream.accept();
    passes(&server, &client, "hello");
    drop(server);
    assert_eq!(rest_of(&client), "");
}
