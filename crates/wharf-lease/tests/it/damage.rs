use std::collections::BTreeMap;
use std::path::Path;

use wharf_lease::{Registry, RegistryConfig};

use crate::Place;

/// Leases `count` ports and gives them by service.
fn fill(place: &Place, count: usize) -> BTreeMap<String, u16> {
    (0..count)
        .map(|number| {
            let name = format!("service-{number}");
            let port = place.registry.lease(&place.key(&name)).expect("a lease").port();
            (name, port)
        })
        .collect()
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_no_database_is_set_aside_and_kept() {
    let place = Place::new();
    fill(&place, 1);
    let Place { directory, registry } = place;
    drop(registry);
    let file = directory.path().join("leases.db");
    let rubbish = b"this is no database ".repeat(1000);
    for round in 1..=2 {
        std::fs::write(&file, &rubbish).expect("written");
        let state = wharf_lease::StateDir::at(directory.path());
        let registry = Registry::open(&state, RegistryConfig::default()).expect("rebuilt");
        let checkout = wharf_lease::Checkout::at(directory.path()).expect("a checkout");
        registry
            .lease(&wharf_lease::Key::main(checkout, "web"))
            .expect("it works");
        let aside = directory.path().join(format!("leases.db.damaged-{round}"));
        assert_eq!(
            std::fs::read(&aside).expect("kept"),
            rubbish,
            "{:?}",
            names_in(directory.path())
        );
    }
}

#[test]
fn readable_rows_of_a_damaged_database_live_on() {
    let place = Place::new();
    let ports = fill(&place, 400);
    let Place { directory, registry } = place;
    drop(registry);
    let file = directory.path().join("leases.db");
    let mut bytes = std::fs::read(&file).expect("the database");
    let page = 4096;
    assert!(
        bytes.len() > 8 * page,
        "too small to be damaged in part: {}",
        bytes.len()
    );
    // The index by port and the last pages; the tables' roots stay.
    let last = bytes.len() - 2 * page;
    bytes[last..].fill(0xee);
    std::fs::write(&file, &bytes).expect("written");

    let state = wharf_lease::StateDir::at(directory.path());
    let registry = Registry::open(&state, RegistryConfig::default()).expect("opened");
    let checkout = wharf_lease::Checkout::at(directory.path()).expect("a checkout");
    // Only a look at the damaged part shows it; new leases look at the index.
    for number in 0..40 {
        let key = wharf_lease::Key::main(checkout.clone(), format!("new-{number}"));
        registry.lease(&key).expect("a lease");
    }
    let mut kept = 0;
    for row in registry.leases().expect("leases") {
        if let Some(port) = ports.get(&row.key.service) {
            assert_eq!(row.port, *port, "{}", row.key);
            kept += 1;
        }
    }
    let names = names_in(directory.path());
    assert!(names.contains(&"leases.db.damaged-1".to_owned()), "{names:?}");
    assert!(kept > 50, "only {kept} of 400 rows were saved");
}

#[test]
fn a_newer_format_is_left_alone() {
    let place = Place::new();
    let path = place.directory.path().join("leases.db");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection
        .pragma_update(None, "user_version", 99)
        .expect("written");
    drop(connection);
    let error = Registry::open(&place.state(), RegistryConfig::default()).expect_err("it is newer");
    assert!(
        error.to_string().contains("written by a newer Wharf (format 99"),
        "{error}"
    );
    assert!(error.to_string().contains("leases.db"), "{error}");
    assert!(
        !names_in(place.directory.path())
            .iter()
            .any(|name| name.contains("damaged"))
    );
}

#[test]
fn an_empty_file_is_an_empty_registry() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("leases.db"), "").expect("written");
    let state = wharf_lease::StateDir::at(directory.path());
    let registry = Registry::open(&state, RegistryConfig::default()).expect("opened");
    assert_eq!(registry.leases().expect("leases"), []);
}
