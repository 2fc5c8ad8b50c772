//! Bounds, and whose connections are served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use wharf_door::{Door, PeerVerdict};

use crate::support::backend::Backend;
use crate::support::client::{connect, get, send};
use crate::support::{Site, await_that};

/// Reads to the end, whether in order or by a reset.
fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    match stream.read_to_end(&mut got) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    got
}

#[test]
fn a_stranger_is_closed_before_a_byte_is_read() {
    let mut site = Site::new();
    let backend = Backend::says("hello");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let mut config = site.config();
    let door_port = site.port.number;
    config.peer_check = Some(Arc::new(move |local, peer| {
        assert_eq!(local.port(), door_port);
        assert!(peer.ip().is_loopback());
        if local.is_ipv4() {
            PeerVerdict::Refuse
        } else {
            PeerVerdict::Admit
        }
    }));
    let door = Door::start(config).expect("start the door");
    let mut stream = connect(site.v4());
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n");
    assert_eq!(read_to_end(&mut stream), b"");
    assert_eq!(get(site.v6(), "web.shop.localhost", "").body, "hello");
    let counters = door.counters();
    assert_eq!((counters.strangers, counters.requests), (1, 1));
    assert_eq!(backend.connections(), 1);
}

#[test]
fn one_too_many_is_shed_and_counted() {
    let mut site = Site::new();
    let backend = Backend::says("hello");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let mut config = site.config();
    config.limits.connections = 2;
    let door = Door::start(config).expect("start the door");
    let first = connect(site.v4());
    let _second = connect(site.v6());
    await_that("both are in", || door.counters().connections == 2);
    let mut third = connect(site.v4());
    assert_eq!(read_to_end(&mut third), b"");
    assert_eq!(door.counters().shed, 1);
    drop(first);
    await_that("there is room again", || {
        let mut stream = connect(site.v4());
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\n\r\n");
        read_to_end(&mut stream).ends_with(b"hello")
    });
}

#[test]
fn heads_that_never_end_are_cut() {
    let site = Site::new();
    let mut config = site.config();
    config.limits.header_wait = Duration::from_millis(300);
    let _door = Door::start(config).expect("start the door");
    for beginning in [
        &b""[..],
        b"G",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = connect(site.v4());
        stream.write_all(beginning).expect("write");
        // Ends, before the reader's own patience does.
        let got = read_to_end(&mut stream);
        assert!(!got.starts_with(b"HTTP/1.1 2"), "{beginning:?}");
    }
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let mut site = Site::new();
    let backend = Backend::says("hello");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let fill = "x".repeat(20 * 1024);
    let fields = |count: usize| -> String {
        (0..count)
            .map(|number| format!("X-{number}: {fill}\r\n"))
            .collect()
    };
    let request = |fields: String| {
        format!("GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\n{fields}\r\n")
    };
    assert_eq!(send(site.v4(), &request(fields(2))).status, 200);
    let mut stream = connect(site.v4());
    let _ = stream.write_all(request(fields(5)).as_bytes());
    let got = read_to_end(&mut stream);
    assert!(!got.starts_with(b"HTTP/1.1 2"), "it was served");
    assert_eq!(backend.connections(), 1);
}
