//! `wharf port` and its like: leases as scripts use them.

use std::net::{TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::world::{World, eventually};

#[test]
fn a_port_is_sticky_by_checkout_and_name() {
    let world = World::new();
    let first = world.run(&["port", "web"]).ok();
    assert_eq!(world.run(&["port", "web"]).ok(), first);
    assert_ne!(world.run(&["port", "api"]).ok(), first);
    let other = world.project().join("other");
    std::fs::create_dir_all(other.join(".git")).expect("made");
    let mut there = world.command(&["port", "web"]);
    there.current_dir(&other);
    assert_ne!(
        world.finish(there).ok(),
        first,
        "another checkout has another port"
    );
    let leases = world.run(&["leases"]).ok();
    assert!(leases.contains(&first) && leases.contains("web"), "{leases}");
    world.run(&["release", "web"]).ok();
    world
        .run(&["release", "web"])
        .fails(2, &["no lease of that name"]);
    assert!(!world.run(&["leases"]).ok().contains("web"));
}

#[test]
fn a_port_can_be_held_until_a_server_listens() {
    let world = World::new();
    let port: u16 = world
        .run(&["port", "web", "--hold", "60"])
        .ok()
        .parse()
        .expect("a port");
    let plain = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    plain.bind(&address.into()).expect_err("held");
    // std sets SO_REUSEADDR, as most servers do.
    let server = TcpListener::bind(address).expect("bound over the hold");
    TcpStream::connect(address).expect("connected");
    world.await_empty();
    drop(server);
}

#[test]
fn a_held_port_is_let_go_after_its_time() {
    let world = World::new();
    let port: u16 = world
        .run(&["port", "web", "--hold", "1"])
        .ok()
        .parse()
        .expect("a port");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    eventually("it is free", || {
        let plain = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        plain.bind(&address.into()).is_ok()
    });
    world.await_empty();
}

#[test]
fn a_foreign_listener_on_a_leased_port_is_named() {
    let world = World::new();
    let port: u16 = world.run(&["port", "web"]).ok().parse().expect("a port");
    let _foreign = TcpListener::bind(("127.0.0.1", port)).expect("bound");
    let pid = format!("pid {}", std::process::id());
    world.run(&["port", "web"]).fails(4, &["address in use", &pid]);
    world.file("[service.web]\nrun = \"PEER hello\"\n");
    world.run(&["up", "-d"]).fails(4, &["address in use", &pid]);
    world.await_empty();
}

#[test]
fn a_server_that_cannot_bind_over_the_hold_is_started_without_and_remembered() {
    let world = World::new();
    world.file("[service.web]\nrun = \"PEER stubborn\"\n");
    let up = world.up();
    assert!(
        up.said().contains("it cannot bind over a held port"),
        "{}",
        up.said()
    );
    assert_eq!(world.service("web")["phase"], "ready");
    up.stop();
    let again = world.up();
    assert!(!again.said().contains("it cannot bind"), "{}", again.said());
    assert!(!again.said().contains("ended with"), "{}", again.said());
    again.stop();
}
