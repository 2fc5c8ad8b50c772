//! What browsers and TLS make of it.

use std::net::TcpListener;

use super::explains;
use super::wrong::answering;
use crate::server::free_port;
use crate::world::World;

#[test]
fn the_browser_will_insist_on_https() {
    let world = World::new();
    let port = free_port();
    let answer =
        "        self.say(200 if trusted else 403, 'hello', Strict_Transport_Security='max-age=31536000')";
    let _server = answering(&world, port, answer);
    explains(&world, &format!("http://localhost:{port}/"), "hsts");
}

#[test]
fn https_is_asked_of_plain_http() {
    let world = World::new();
    let port = free_port();
    let _server = answering(&world, port, "        self.say(200 if trusted else 403, 'hello')");
    explains(&world, &format!("https://localhost:{port}/"), "http-or-https");
}

#[test]
fn browsers_refuse_the_port() {
    let world = World::new();
    // Of the Fetch standard's bad ports, one that is free here.
    let listener = [6666, 6667, 6668, 6669, 6679, 6697, 10080]
        .into_iter()
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
        .expect("one of them is free");
    let port = listener.local_addr().expect("an address").port();
    explains(
        &world,
        &format!("http://localhost:{port}/"),
        "browser-blocked-port",
    );
}

#[test]
fn a_top_level_domain_is_https_only() {
    let world = World::new();
    let port = free_port();
    let _server = answering(&world, port, "        self.say(200 if trusted else 403, 'hello')");
    explains(&world, &format!("http://shop.dev:{port}/"), "preloaded-https");
}
