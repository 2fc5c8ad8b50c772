//! Changes while connections live, limits, and the end.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use wharf_http::{HttpStage, PeerVerdict, Upstream};

use crate::support::client::{Client, Protocol, request};
use crate::support::provider::Provider;
use crate::support::script::{Peer, Script};
use crate::support::{config, parse, runtime, stage, until};

#[test]
fn rules_change_for_requests_that_come_later() {
    let provider = Provider::start();
    let stage = stage(provider.address, "");
    runtime().block_on(async {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            stage.set_rules(Vec::new());
            let mut client = Client::connect(stage.address(), protocol).await;
            for (rules, expected) in [
                ("", "200"),
                ("status=503", "503"),
                ("status=418", "418"),
                ("", "200"),
            ] {
                stage.set_rules(parse(rules));
                let seen = client.see(request("GET /ten", protocol)).await;
                assert!(seen.starts_with(expected), "{protocol:?} {rules}: {seen}");
            }
        }
    });
}

#[test]
fn the_far_side_changes_for_connections_that_come_later() {
    let (first, second) = (Provider::start(), Provider::start());
    let stage = stage(first.address, "");
    runtime().block_on(async {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            stage
                .set_upstream(&Upstream::clear([first.address]))
                .expect("an upstream");
            let (at_first, at_second) = (first.asked(), second.asked());
            let mut old = Client::connect(stage.address(), protocol).await;
            old.see(request("GET /ten", protocol)).await;
            stage
                .set_upstream(&Upstream::clear([second.address]))
                .expect("an upstream");
            old.see(request("GET /ten", protocol)).await;
            let mut new = Client::connect(stage.address(), protocol).await;
            new.see(request("GET /ten", protocol)).await;
            assert_eq!(
                (first.asked() - at_first, second.asked() - at_second),
                (2, 1),
                "{protocol:?}"
            );
        }
    });
}

#[test]
fn the_first_address_that_accepts_is_taken() {
    let provider = Provider::start();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let mut config = config(provider.address, "");
    config.upstream = Upstream::clear([nobody.expect("an address"), provider.address]);
    let stage = HttpStage::start(config).expect("a stage");
    let mut client = Peer::connect(stage.address());
    client.say("GET /ten HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(client.hear_head().starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn an_end_of_the_stage_resets_its_connections_and_frees_its_port() {
    let provider = Script::start(|mut peer| {
        peer.hear_head();
        peer.say("HTTP/1.1 200 OK\r\n\r\nwithout a length");
        peer.hear_reset();
    });
    let stage = stage(provider.address, "");
    let address = stage.address();
    let mut client = Peer::connect(address);
    client.say("GET / HTTP/1.1\r\n\r\n");
    client.hear_head();
    client.hear("without a length");
    drop(stage);
    assert_eq!(client.hear_reset(), "");
    provider.done();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn too_many_connections_are_shed() {
    let provider = Provider::start();
    let mut config = config(provider.address, "");
    config.limits.connections = 2;
    let stage = HttpStage::start(config).expect("a stage");
    let held = [Peer::connect(stage.address()), Peer::connect(stage.address())];
    until(2, || stage.stats().connections);
    assert_eq!(Peer::connect(stage.address()).hear_reset(), "");
    assert_eq!(stage.stats().shed, 1);
    drop(held);
    until(0, || stage.stats().connections);
    let mut client = Peer::connect(stage.address());
    client.say("GET /ten HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(client.hear_head().starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_stranger_is_reset() {
    let provider = Provider::start();
    let mut config = config(provider.address, "");
    config.peer_check = Some(Arc::new(|_local, _peer| PeerVerdict::Refuse));
    let stage = HttpStage::start(config).expect("a stage");
    assert_eq!(Peer::connect(stage.address()).hear_reset(), "");
    until(1, || stage.stats().strangers);
}

#[test]
fn a_delay_delays() {
    let provider = Provider::start();
    let stage = stage(provider.address, "delay=200ms");
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let began = std::time::Instant::now();
        let seen = runtime().block_on(async {
            let mut client = Client::connect(stage.address(), protocol).await;
            client.see(request("GET /ten", protocol)).await
        });
        assert!(seen.ends_with("whole"), "{seen}");
        assert!(began.elapsed() >= Duration::from_millis(200), "{protocol:?}");
    }
    assert_eq!(stage.stats().delayed, 2);
}

#[test]
fn a_client_that_does_not_read_costs_a_bounded_amount() {
    // The provider writes until it is stopped: by buffers of kernels and of the stage, and no more.
    let provider = Script::start(|mut peer| {
        use std::io::Write;
        peer.hear_head();
        peer.say("HTTP/1.1 200 OK\r\n\r\n");
        peer.0
            .set_write_timeout(Some(Duration::from_millis(500)))
            .expect("a time-out");
        let mut written = 0usize;
        while let Ok(length) = peer.0.write(&[0; 64 * 1024]) {
            written += length;
            assert!(written < 64 << 20, "nothing stops it");
        }
    });
    let stage = stage(provider.address, "path=/other status=500");
    let mut client = Peer::connect(stage.address());
    client.say("GET / HTTP/1.1\r\n\r\n");
    client.hear_head();
    provider.done();
}
