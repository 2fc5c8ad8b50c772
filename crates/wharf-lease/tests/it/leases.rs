use std::collections::BTreeSet;

use wharf_lease::{Error, HoldPolicy, Key, LeaseRange, RegistryConfig};

use crate::worker::{self, Worker, command};
use crate::{Place, Reuse, no_forks, serve, v4};

#[test]
fn a_lease_is_sticky_and_its_own() {
    let place = Place::new();
    let port = |name: &str| place.again().lease(&place.key(name)).expect("a lease").port();
    let web = port("web");
    assert_eq!(port("web"), web);
    assert_ne!(port("api"), web);
    let range = place.registry.range();
    assert!(range.contains(web));
    assert_eq!(place.registry.why_avoided(web), None);
    let floor = wharf_host::ports::ephemeral_range().expect("a range").first();
    if range.last() < floor {
        assert!(web < floor);
    }
}

#[test]
fn another_checkout_has_another_port() {
    let place = Place::new();
    let mut ports = BTreeSet::new();
    for name in ["one", "two", "three"] {
        let root = place.directory.path().join(name);
        std::fs::create_dir(&root).expect("a directory");
        std::fs::write(root.join("wharf.toml"), "").expect("a file");
        let checkout = wharf_lease::Checkout::of_dir(&root).expect("a checkout");
        for port in [Key::MAIN, "admin"] {
            let key = Key {
                checkout: checkout.clone(),
                service: "web".to_owned(),
                port: port.to_owned(),
            };
            ports.insert(place.registry.lease(&key).expect("a lease").port());
        }
    }
    assert_eq!(ports.len(), 6);
    assert_eq!(place.registry.leases().expect("leases").len(), 6);
}

#[test]
fn a_lost_registry_gives_the_same_ports_again() {
    let _quiet = no_forks();
    let (one, other) = (Place::new(), Place::new());
    let key = one.key("web");
    let first = one.registry.lease(&key).expect("a lease").port();
    assert_eq!(other.registry.lease(&key).expect("a lease").port(), first);
}

#[test]
fn a_released_port_may_be_had_by_another() {
    let _quiet = no_forks();
    let range = "18900-18900".parse().expect("a range");
    let config = RegistryConfig {
        range: LeaseRange::Exactly(range),
        ..Default::default()
    };
    let place = Place::with(config);
    let (web, api) = (place.key("web"), place.key("api"));
    assert_eq!(place.registry.lease(&web).expect("a lease").port(), 18900);
    let error = place.registry.lease(&api).expect_err("no port is left");
    assert!(
        error.to_string().contains("none of 18900 is free (1 leased"),
        "{error}"
    );
    assert!(place.registry.release(&web).expect("released"));
    assert!(!place.registry.release(&web).expect("released before"));
    assert_eq!(place.registry.lease(&api).expect("a lease").port(), 18900);
}

#[test]
fn a_full_range_takes_the_ports_of_checkouts_that_are_gone() {
    let _quiet = no_forks();
    let range = "18901-18901".parse().expect("a range");
    let config = RegistryConfig {
        range: LeaseRange::Exactly(range),
        ..Default::default()
    };
    let place = Place::with(config);
    let gone = place.directory.path().join("gone");
    std::fs::create_dir(&gone).expect("a directory");
    let key = Key::main(wharf_lease::Checkout::at(&gone).expect("a checkout"), "web");
    place.registry.lease(&key).expect("a lease");
    assert!(place.registry.lease(&place.key("web")).is_err());
    std::fs::remove_dir(&gone).expect("removed");
    assert_eq!(
        place.registry.lease(&place.key("web")).expect("a lease").port(),
        18901
    );
}

#[test]
fn what_is_in_use_on_either_family_or_protocol_is_not_leased() {
    let _quiet = no_forks();
    let place = Place::new();
    let key = place.key("web");
    let first = place.registry.lease(&key).expect("a lease").port();
    assert!(place.registry.release(&key).expect("released"));

    let check = |socket: &dyn std::fmt::Debug| {
        let second = place.registry.lease(&key).expect("a lease").port();
        assert_ne!(second, first, "{socket:?}");
        assert!(place.registry.release(&key).expect("released"));
    };
    check(&serve(v4(first), Reuse::Yes).expect("a server"));
    check(&std::net::UdpSocket::bind(v4(first)).expect("a socket"));
    match serve(crate::v6(first), Reuse::Yes) {
        Ok(server) => {
            check(&server);
            drop(server);
            check(&std::net::UdpSocket::bind(crate::v6(first)).expect("a socket"));
        }
        Err(error) => {
            crate::skip("what_is_in_use_on_either_family_or_protocol_is_not_leased", error);
        }
    }
    assert_eq!(place.registry.lease(&key).expect("a lease").port(), first);
}

/// Listens on the port that it is told, from the root directory.
pub(crate) fn worker() {
    std::env::set_current_dir("/").expect("a directory");
    let port = worker::hear().expect("a port").parse().expect("a port");
    let _server = serve(v4(port), Reuse::Yes).expect("a server");
    worker::say("listening");
    worker::hear();
}

#[test]
fn a_foreign_listener_is_an_error_that_names_it() {
    let place = Place::new();
    let key = place.key("web");
    let port = place.registry.lease(&key).expect("a lease").port();
    let mut other = Worker::start(command("lease")).expect("a worker");
    other.tell(&port.to_string());
    other.expect("listening");
    for error in [
        place.registry.lease(&key).expect_err("it is foreign"),
        place.registry.lease_held(&key).expect_err("it is foreign"),
    ] {
        assert!(matches!(error, Error::InUse { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("127.0.0.1:{port}: address in use by ")),
            "{text}"
        );
        assert!(text.contains(&format!("(pid {})", other.pid())), "{text}");
    }
    other.end();
    assert_eq!(place.registry.lease(&key).expect("a lease").port(), port);
}

#[test]
fn the_server_that_was_told_the_port_is_not_foreign() {
    let place = Place::new();
    let key = place.key("web");
    let port = place.registry.lease(&key).expect("a lease").port();
    let mut told = command("lease");
    told.env("PORT", port.to_string());
    let mut server = Worker::start(told).expect("a worker");
    server.tell(&port.to_string());
    server.expect("listening");
    assert_eq!(place.registry.lease(&key).expect("a lease").port(), port);
    // It cannot be held meanwhile, though.
    assert!(place.registry.lease_held(&key).is_err());
}

#[test]
fn a_server_without_reuseaddr_is_remembered() {
    let place = Place::new();
    let key = place.key("web");
    assert!(place.registry.lease(&key).expect("a lease").holdable());
    place.registry.remember_no_hold(&key).expect("noted");
    assert!(!place.again().lease(&key).expect("a lease").holdable());
}

#[test]
fn a_lease_moves_when_its_port_is_out_of_the_range() {
    let place = Place::new();
    let key = place.key("web");
    place.registry.lease(&key).expect("a lease");
    let range = "18910-18919".parse().expect("a range");
    let config = RegistryConfig {
        range: LeaseRange::Exactly(range),
        hold: HoldPolicy::Bind,
    };
    let other = wharf_lease::Registry::open(&place.state(), config).expect("a registry");
    assert!(range.contains(other.lease(&key).expect("a lease").port()));
    assert_eq!(place.registry.leases().expect("leases").len(), 1);
}

#[test]
fn threads_share_a_registry() {
    let place = Place::new();
    let ports: BTreeSet<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (registry, key) = (place.registry.clone(), place.key(&format!("s{number}")));
                scope.spawn(move || registry.lease(&key).expect("a lease").port())
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    assert_eq!(ports.len(), 8);
}
