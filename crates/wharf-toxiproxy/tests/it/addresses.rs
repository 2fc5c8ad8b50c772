//! Where proxies listen, and where they lead.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use crate::world::{Upstream, World, connect, passes, patient, rest_of};

fn is_refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn a_disabled_proxy_refuses_ends_its_connections_and_keeps_its_port_and_toxics() {
    let (world, upstream) = (World::new(), Upstream::new());
    let proxy = world.proxy_to(upstream.address());
    world.toxic(r#"{"type":"limit_data","attributes":{"bytes":5}}"#);
    let (client, server) = upstream.pair(proxy);
    for _ in 0..3 {
        world.must("POST", "/proxies/p", r#"{"enabled":false}"#);
        assert!(is_refused(proxy));
        world.must("POST", "/proxies/p", r#"{"enabled":true}"#);
        assert_eq!(world.listens("p"), proxy);
    }
    assert_eq!(rest_of(&client), "", "in good order, as Toxiproxy");
    assert_eq!(rest_of(&server), "");
    let (client, mut server) = upstream.pair(proxy);
    std::io::Write::write_all(&mut server, b"1234567").expect("it can be sent");
    assert_eq!(rest_of(&client), "12345");
}

#[test]
fn a_deleted_proxy_gives_its_port_back() {
    let (world, upstream) = (World::new(), Upstream::new());
    let proxy = world.proxy_to(upstream.address());
    let (client, server) = upstream.pair(proxy);
    world.must("DELETE", "/proxies/p", "");
    assert_eq!(
        (rest_of(&client), rest_of(&server)),
        (String::new(), String::new())
    );
    TcpListener::bind(proxy).expect("it is free");
}

#[test]
fn populate_leaves_what_is_there_and_replaces_what_is_elsewhere() {
    let (world, upstream, other) = (World::new(), Upstream::new(), Upstream::new());
    let proxy = world.proxy_to(upstream.address());
    let (client, server) = upstream.pair(proxy);
    let to = |upstream: &Upstream| {
        let upstream = upstream.address();
        format!(r#"[{{"name":"p","listen":"{proxy}","upstream":"{upstream}"}}]"#)
    };
    world.must("POST", "/populate", &to(&upstream));
    passes(&client, &server, "still there");
    world.must("POST", "/populate", &to(&other));
    assert_eq!(rest_of(&client), "");
    let (client, server) = other.pair(proxy);
    passes(&client, &server, "elsewhere");
}

#[test]
fn reset_enables_and_clears_without_ending_connections() {
    let (world, upstream) = (World::new(), Upstream::new());
    let proxy = world.proxy_to(upstream.address());
    let (client, server) = upstream.pair(proxy);
    world.toxic(r#"{"type":"bandwidth","attributes":{"rate":0}}"#);
    world.must("POST", "/reset", "");
    passes(&server, &client, "free again");
    world.must("POST", "/proxies/p", r#"{"enabled":false}"#);
    world.must("POST", "/reset", "");
    let (client, server) = upstream.pair(proxy);
    passes(&client, &server, "there again");
}

#[test]
fn a_wildcard_is_loopback_both_families_and_nothing_else() {
    let (world, upstream) = (World::new(), Upstream::new());
    for (name, listen) in [("a", ""), ("b", "0.0.0.0:0"), ("c", "[::]:0")] {
        let to = upstream.address();
        let body = format!(r#"{{"name":"{name}","listen":"{listen}","upstream":"{to}"}}"#);
        world.must("POST", "/proxies", &body);
        let told = world.listens(name);
        assert!(told.ip().is_unspecified() && told.is_ipv6(), "{told}");
        let (client, server) = upstream.pair(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), told.port()));
        passes(&client, &server, "by IPv4");
        match TcpStream::connect(("::1", told.port())) {
            Ok(client) => passes(&patient(client), &upstream.accept(), "by IPv6"),
            Err(_) => {
                // Past the harness, which would swallow it.
                let line = "SKIPPED: a_wildcard_is_loopback_both_families_and_nothing_else: no IPv6 here\n";
                let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
            }
        }
        // 127.0.0.2 is this machine as well, and a wildcard in truth would be there.
        assert!(is_refused(SocketAddr::new(
            IpAddr::from([127, 0, 0, 2]),
            told.port()
        )));
    }
}

#[test]
fn allowed_to_a_wildcard_is_one() {
    let upstream = Upstream::new();
    let world = World::with(|config| config.exposure = wharf_toxiproxy::Exposure::AsWritten);
    let body = format!(
        r#"{{"name":"p","listen":"0.0.0.0:0","upstream":"{}"}}"#,
        upstream.address()
    );
    world.must("POST", "/proxies", &body);
    let port = world.listens("p").port();
    let (client, server) = upstream.pair(SocketAddr::new(IpAddr::from([127, 0, 0, 2]), port));
    passes(&client, &server, "hello");
}

#[test]
fn localhost_and_names_are_found_when_they_are_needed() {
    let (world, upstream) = (World::new(), Upstream::new());
    let port = upstream.address().port();
    let body = format!(r#"{{"name":"p","listen":"localhost:0","upstream":"localhost:{port}"}}"#);
    world.must("POST", "/proxies", &body);
    let (client, server) = upstream.pair(world.listens("p"));
    passes(&client, &server, "hello");
    // A name that nobody has (RFC 6761, section 6.4).
    world.must("PATCH", "/proxies/p", r#"{"upstream":"nobody.invalid:80"}"#);
    let mut client = connect(world.listens("p"));
    let error = std::io::Read::read(&mut client, &mut [0; 1]).expect_err("it is reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    world.await_said("proxy p: reset 1 connection: no upstream at nobody.invalid:80: find nobody.invalid: ");
    let body = format!(r#"{{"upstream":"{}"}}"#, upstream.address());
    world.must("PATCH", "/proxies/p", &body);
    let (client, server) = upstream.pair(world.listens("p"));
    passes(&client, &server, "back again");
}
