//! Starting a server, and who may ask it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use wharf_link::Seed;
use wharf_toxiproxy::{Config, Error, PeerCheck, PeerVerdict, Server};

use crate::world::{Upstream, World, connect, passes, rest_of};

#[test]
fn a_config_file_is_a_populate_and_its_errors_stop_the_start() {
    let upstream = Upstream::new();
    let proxies = format!(
        r#"[{{"name":"p","listen":"127.0.0.1:0","upstream":"{}"}},{{"name":"q","upstream":"a:1","enabled":false}}]"#,
        upstream.address()
    );
    let world = World::with(|config| config.proxies = Some(proxies));
    let (client, server) = upstream.pair(world.listens("p"));
    passes(&client, &server, "hello");

    for (proxies, expected) in [
        ("", "start the proxies of the config file: bad request body: EOF"),
        (
            r#"[{"name":"p"}]"#,
            "start the proxies of the config file: missing required field: upstream at proxy 1",
        ),
        (
            r#"[{"name":"p","listen":"garbage","upstream":"a:1"}]"#,
            "start the proxies of the config file: listen tcp: address garbage: missing port in address",
        ),
    ] {
        let mut config = Config::new(Seed(1));
        config.port = 0;
        config.proxies = Some(proxies.to_owned());
        let error = Server::start(config).expect_err("it does not start");
        assert!(matches!(error, Error::Proxies(_)));
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_port_that_is_taken_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut config = Config::new(Seed(1));
    config.port = taken.local_addr().expect("an address").port();
    let error = Server::start(config).expect_err("it does not start");
    assert!(matches!(error, Error::Listen(_)));
    assert!(
        error.to_string().contains("bind: address already in use"),
        "{error}"
    );
}

#[test]
fn the_api_answers_on_both_families_of_loopback() {
    let world = World::new();
    for address in world.server.addresses() {
        let mut stream = connect(*address);
        let request = "GET /version HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it can be sent");
        assert!(rest_of(&stream).ends_with("{\"version\": \"2.12.0\"}\n"));
        assert!(address.ip().is_loopback());
    }
}

#[test]
fn strangers_are_refused_before_a_byte_is_read() {
    let refuse = PeerCheck::new(|_: SocketAddr, _: SocketAddr| PeerVerdict::Refuse);
    let world = World::with(|config| config.peers = refuse);
    let mut stream = connect(world.address());
    // It may be reset or ended, by how far it had come.
    let _ = stream.write_all(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(matches!(stream.read(&mut [0; 16]), Ok(0) | Err(_)));
    world.await_said("refused 127.0.0.1:");
}

#[test]
fn a_client_that_closes_its_end_before_it_reads_is_answered() {
    // Whose a connection is can be told while both ends are open: one that is not by then is refused.
    let admit = PeerCheck::new(|_, _| PeerVerdict::Admit);
    let world = World::with(|config| config.peers = admit);
    let mut stream = connect(world.address());
    stream
        .write_all(b"GET /proxies HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("it can be sent");
    stream.shutdown(std::net::Shutdown::Write).expect("half a close");
    assert!(rest_of(&stream).ends_with("\r\n\r\n{}"));
}

#[test]
fn an_end_ends_everything() {
    let upstream = Upstream::new();
    let world = World::new();
    let proxy = world.proxy_to(upstream.address());
    let (mut client, _server) = upstream.pair(proxy);
    let api = world.address();
    drop(world);
    assert!(matches!(client.read(&mut [0; 1]), Ok(0) | Err(_)));
    for address in [api, proxy] {
        TcpListener::bind(address).expect("it is free");
    }
}
