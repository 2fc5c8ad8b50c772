use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};

use wharf_lease::{Error, Registry, RegistryConfig, StateDir};

use crate::worker::{self, Worker, command};
use crate::{Place, Reuse, bind, no_forks, serve, skip, v4, v6};

#[test]
fn a_hold_lets_reusers_in_and_keeps_others_out() {
    let place = Place::new();
    let (lease, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    let port = lease.port();
    assert_eq!(hold.port(), port);
    for address in hold.addresses() {
        let refused = serve(address, Reuse::No).expect_err("it is held");
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
        let nobody = TcpStream::connect(address).expect_err("nobody listens");
        assert_eq!(nobody.kind(), ErrorKind::ConnectionRefused);
        let server = serve(address, Reuse::Yes).expect("a server binds over the hold");
        TcpStream::connect(address).expect("it is reached");
        server.accept().expect("a client");
    }
    // Rust's own listener sets SO_REUSEADDR.
    drop(TcpListener::bind(v4(port)).expect("a server binds over the hold"));
    drop(hold);
}

#[test]
fn both_families_are_held_or_it_is_said() {
    let place = Place::new();
    let (lease, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    let port = lease.port();
    if hold.missing().is_some() {
        assert_eq!(hold.addresses(), [v4(port)]);
        skip(
            "both_families_are_held_or_it_is_said",
            hold.missing().unwrap_or_default(),
        );
    } else {
        assert_eq!(hold.addresses(), [v4(port), v6(port)]);
        assert!(bind(v6(port), Reuse::No).is_err());
    }
}

#[test]
fn a_dropped_hold_is_free_again() {
    let _quiet = no_forks();
    let place = Place::new();
    let (lease, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    drop(hold);
    drop(serve(v4(lease.port()), Reuse::No).expect("nobody holds it"));
    let hold = lease.hold().expect("it can be held again");
    assert_eq!(hold.port(), lease.port());
}

#[test]
fn a_hold_turns_into_listeners() {
    let place = Place::new();
    let (_, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    let addresses = hold.addresses();
    let listeners = hold.listen().expect("listeners");
    assert_eq!(listeners.len(), addresses.len());
    for (listener, address) in listeners.iter().zip(addresses) {
        assert_eq!(listener.local_addr().expect("an address"), address);
        let client = TcpStream::connect(address).expect("it listens");
        let (_, peer) = listener.accept().expect("a client");
        assert_eq!(peer, client.local_addr().expect("an address"));
    }
}

/// Holds the key in the directory that it is told.
pub(crate) fn worker() {
    let directory = worker::hear().expect("a directory");
    let state = StateDir::at(&directory);
    let registry = Registry::open(&state, RegistryConfig::default()).expect("a registry");
    let checkout = wharf_lease::Checkout::at(directory.as_ref()).expect("a checkout");
    let (lease, _hold) = registry
        .lease_held(&wharf_lease::Key::main(checkout, "web"))
        .expect("a hold");
    worker::say(lease.port());
    worker::hear();
}

#[test]
fn a_second_holder_is_told_of_the_first() {
    let place = Place::new();
    let mut first = Worker::start(command("hold")).expect("a worker");
    first.tell(place.directory.path().to_str().expect("a path"));
    let port = first.next().expect("a port").parse::<u16>().expect("a port");

    let lease = place
        .registry
        .lease(&place.key("web"))
        .expect("a hold is no listener");
    assert_eq!(lease.port(), port);
    let error = lease.hold().expect_err("it is held");
    assert!(matches!(error, Error::Held { .. }), "{error}");
    assert!(
        error.to_string().contains(&format!("(pid {})", first.pid())),
        "{error}"
    );

    // The dead hold nothing.
    first.kill();
    lease.hold().expect("the holder is dead");
}

#[test]
fn this_process_cannot_hold_twice() {
    let place = Place::new();
    let (lease, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    let error = lease.hold().expect_err("we hold it");
    assert!(matches!(error, Error::Held { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("(pid {})", std::process::id())),
        "{error}"
    );
    drop(hold);
}

#[test]
fn it_is_held_again_after_its_server_with_connections_left() {
    let _quiet = no_forks();
    let place = Place::new();
    let (lease, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    let address = v4(lease.port());
    let server = serve(address, Reuse::Yes).expect("a server");
    let resting = TcpStream::connect(address).expect("connected");
    let (accepted, _) = server.accept().expect("a client");
    // The side that closes first rests in TIME_WAIT: here the server's.
    drop(accepted);
    drop(resting);
    let open = TcpStream::connect(address).expect("connected");
    let (alive, _) = server.accept().expect("a client");

    drop(hold);
    let error = lease.hold().expect_err("the server listens");
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("(pid {})", std::process::id())),
        "{error}"
    );

    drop(server);
    let hold = lease.hold().expect("connections are no obstacle");
    let error = lease.hold().expect_err("it is held, if not alone");
    assert!(matches!(error, Error::Held { .. }), "{error}");
    drop(serve(address, Reuse::Yes).expect("a server comes back"));
    drop((hold, open, alive));
}

#[test]
fn a_socket_that_is_bound_and_foreign_is_in_the_way() {
    let _quiet = no_forks();
    let place = Place::new();
    let (lease, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    drop(hold);
    let foreign = bind(v4(lease.port()), Reuse::Yes).expect("bound");
    let error = lease.hold().expect_err("somebody is there");
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert!(error.to_string().contains("address in use by"), "{error}");
    drop(foreign);
    lease.hold().expect("nobody is there");
}

#[test]
fn a_released_lease_cannot_be_held() {
    let place = Place::new();
    let lease = place.registry.lease(&place.key("web")).expect("a lease");
    assert!(place.registry.release(&place.key("web")).expect("released"));
    assert!(matches!(lease.hold(), Err(Error::Released { .. })));
}
