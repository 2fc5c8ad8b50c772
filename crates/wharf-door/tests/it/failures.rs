//! Services that do not answer, and requests that come back.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use wharf_door::Door;

use crate::support::backend::{Backend, hear};
use crate::support::client::{get, send};
use crate::support::{Site, await_that};

/// A request for a service at `address` must get `status`, and a text with all of `words`.
fn check(address: SocketAddr, status: u16, words: &[&str]) {
    let mut site = Site::new();
    site.register("shop", &[("api.shop.localhost", address)]);
    let mut config = site.config();
    config.limits.connect_wait = Duration::from_millis(300);
    let door = Door::start(config).expect("start the door");
    let address = address.to_string();
    for accept in ["*/*", "text/html"] {
        let reply = get(site.v4(), "api.shop.localhost", &format!("Accept: {accept}\r\n"));
        assert_eq!(reply.status, status, "{reply:?}");
        for word in words.iter().chain(&["api", "shop", &address, "wharf logs api"]) {
            assert!(reply.body.contains(word), "{word} in {reply:?}");
        }
        let is_page = reply.body.starts_with("<!doctype html>");
        assert_eq!(is_page, accept == "text/html", "{reply:?}");
    }
    assert_eq!(door.counters().failed, 2);
}

#[test]
fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("address");
    drop(listener);
    check(address, 502, &["refused the connection"]);
}

#[test]
fn the_service_resets() {
    let backend = Backend::start(|stream| {
        let mut reader = BufReader::new(stream);
        hear(&mut reader);
        let stream = reader.into_inner();
        SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .expect("linger");
    });
    check(backend.address, 502, &["reset the connection"]);
}

#[test]
fn the_service_closes() {
    let backend = Backend::start(|stream| {
        hear(&mut BufReader::new(stream));
    });
    check(
        backend.address,
        502,
        &["closed the connection before it answered"],
    );
}

#[test]
fn the_service_speaks_first() {
    let backend = Backend::start(|mut stream| {
        let _ = stream.write_all(b"-ERR unknown command 'GET'\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    check(backend.address, 502, &["not HTTP"]);
}

#[test]
fn the_service_answers_something_else() {
    let backend = Backend::start(|stream| {
        let mut reader = BufReader::new(stream);
        hear(&mut reader);
        let _ = reader.get_mut().write_all(b"-ERR unknown command 'GET'\r\n");
        let _ = reader.read(&mut [0; 1024]);
    });
    check(backend.address, 502, &["not HTTP"]);
}

#[test]
fn the_service_switches_unasked() {
    let backend = Backend::start(|stream| {
        let mut reader = BufReader::new(stream);
        hear(&mut reader);
        let _ = reader
            .get_mut()
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        let _ = reader.read(&mut [0; 1024]);
    });
    check(backend.address, 502, &[]);
}

#[test]
fn the_service_does_not_accept() {
    // A queue of one, and full: the kernel drops further SYNs.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .expect("bind");
    socket.listen(0).expect("listen");
    let address = socket.local_addr().expect("address");
    let address = address.as_socket().expect("an IP address");
    let mut fill = Vec::new();
    await_that("the queue is full", || {
        match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            Ok(stream) => {
                fill.push(stream);
                false
            }
            Err(_) => true,
        }
    });
    check(address, 504, &["did not accept the connection within 300ms"]);
}

#[test]
fn an_address_that_is_dead_is_passed_over() {
    let mut site = Site::new();
    let dead = TcpListener::bind("[::1]:0")
        .and_then(|listener| listener.local_addr())
        .expect("bind");
    let backend = Backend::says("hello");
    let hosts = [("web.shop.localhost".to_owned(), vec![dead, backend.address])];
    let registration = wharf_door::Registration::of_this_process("shop", hosts.into_iter().collect());
    let _published = registration.publish(site.path(), "shop").expect("publish");
    let _door = site.open();
    assert_eq!(get(site.v4(), "web.shop.localhost", "").body, "hello");
    site.unregister_all();
}

#[test]
fn a_loop_is_named() {
    let mut site = Site::new();
    let door = site.v4();
    // A dev server that proxies to a name of the door and leaves Host as it was.
    let backend = Backend::start(move |stream| {
        let mut reader = BufReader::new(stream);
        let Some(heard) = hear(&mut reader) else {
            return;
        };
        let fields: String = heard
            .fields
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("connection"))
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let reply = send(
            door,
            &format!("{}\r\n{fields}Connection: close\r\n\r\n", heard.line),
        );
        let answer = format!(
            "HTTP/1.1 {} Looped\r\nContent-Length: {}\r\n\r\n{}",
            reply.status,
            reply.body.len(),
            reply.body
        );
        let _ = reader.get_mut().write_all(answer.as_bytes());
    });
    site.register(
        "shop",
        &[
            ("web.shop.localhost", backend.address),
            ("api.shop.localhost", backend.address),
        ],
    );
    let _door = site.open();
    let reply = get(site.v4(), "web.shop.localhost", "");
    assert_eq!(reply.status, 508);
    for word in ["loop", "web", "changeOrigin: true", "api.shop.localhost"] {
        assert!(reply.body.contains(word), "{word} in {reply:?}");
    }
    assert_eq!(backend.connections(), 5);
}
