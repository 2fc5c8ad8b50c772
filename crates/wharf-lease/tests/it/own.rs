use std::net::IpAddr;
use std::path::Path;

use wharf_lease::{Error, Key};

use crate::{Place, Reuse, no_forks, serve, v4};

/// A port below the leases of every other test, and of most machines.
const PORT: u16 = 18_950;

#[test]
fn each_service_has_an_address_of_its_own() {
    let _quiet = no_forks();
    let place = Place::new();
    let key = |service: &str, port: &str| Key {
        port: port.to_owned(),
        ..place.key(service)
    };
    let host = |key: &Key, port| place.again().own_address(key, port).expect("an address").host();
    let postgres = host(&key("postgres", Key::MAIN), PORT);
    assert_eq!(host(&key("postgres", Key::MAIN), PORT), postgres, "sticky");
    assert_eq!(
        host(&key("postgres", "admin"), PORT + 1),
        postgres,
        "one for all its ports"
    );
    let redis = host(&key("redis", Key::MAIN), PORT);
    assert_ne!(redis, postgres);
    for address in [postgres, redis] {
        let IpAddr::V4(address) = address else {
            panic!("{address} is not IPv4")
        };
        let [first, second, _, last] = address.octets();
        assert!(
            first == 127 && second >= 2 && last != 0 && last != 255,
            "{address}"
        );
    }
}

#[test]
fn an_address_of_its_own_is_held_too() {
    let _quiet = no_forks();
    let place = Place::new();
    let lease = place
        .registry
        .own_address(&place.key("db"), PORT + 2)
        .expect("an address");
    let hold = lease.hold().expect("a hold");
    let address = lease.addresses()[0];
    assert_eq!(hold.addresses(), [address]);
    assert_eq!((lease.port(), lease.addresses().len()), (PORT + 2, 1));
    assert!(serve(address, Reuse::No).is_err());
    drop(serve(address, Reuse::Yes).expect("a server binds over the hold"));
    // The common addresses have the port too, for others.
    drop(serve(v4(PORT + 2), Reuse::No).expect("it is another address"));
}

#[test]
fn a_service_may_change_its_mind() {
    let _quiet = no_forks();
    let place = Place::new();
    let key = place.key("db");
    let own = place.registry.own_address(&key, PORT + 3).expect("an address");
    let common = place.registry.lease(&key).expect("a lease");
    assert_eq!(common.host(), IpAddr::from([127, 0, 0, 1]));
    assert_ne!(common.port(), own.port());
    assert!(place.registry.own_address(&key, PORT + 3).is_ok());
    assert_eq!(place.registry.leases().expect("leases").len(), 1);
}

#[test]
fn a_port_that_is_taken_everywhere_is_an_error() {
    let _quiet = no_forks();
    let place = Place::new();
    let port = PORT + 4;
    let everywhere = serve(([0, 0, 0, 0], port).into(), Reuse::No).expect("a server");
    let error = place
        .registry
        .own_address(&place.key("db"), port)
        .expect_err("it is taken");
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("(pid {})", std::process::id())),
        "{error}"
    );
    drop(everywhere);
    place
        .registry
        .own_address(&place.key("db"), port)
        .expect("it is free");
}

#[test]
fn a_stack_keeps_its_name() {
    let place = Place::new();
    let file = |name: &str| {
        let path = place.directory.path().join(name);
        std::fs::write(&path, "").expect("a file");
        path
    };
    let name = |path: &Path| place.again().stack_name(path, "shop").expect("a name");
    let (one, two, three) = (file("one"), file("two"), file("three"));
    assert_eq!(name(&one), "shop");
    assert_eq!(name(&two), "shop-2");
    assert_eq!((name(&two), name(&one)), ("shop-2".to_owned(), "shop".to_owned()));
    assert_eq!(place.registry.stack_name(&two, "other").expect("a name"), "other");
    // A name is free when its file is gone.
    std::fs::remove_file(&one).expect("removed");
    assert_eq!(name(&three), "shop");
    assert_eq!(name(&two), "shop-2");
}
