use std::time::Duration;

use wharf_lease::{Checkout, Key, Registry, RegistryConfig, StateDir};

use crate::Place;
use crate::worker::{self, Worker, command};

const ROUNDS: u32 = 40;

/// Leases, and says each lease once it has it, until it is killed.
pub(crate) fn worker() {
    let directory = worker::hear().expect("a directory");
    let round = worker::hear().expect("a round");
    let checkout = Checkout::at(directory.as_ref()).expect("a checkout");
    let registry = Registry::open(&StateDir::at(&directory), RegistryConfig::default()).expect("a registry");
    for number in 0.. {
        let key = Key::main(checkout.clone(), format!("{round}-{number}"));
        let lease = registry.lease(&key).expect("a lease");
        worker::say(format_args!("{} {}", key.service, lease.port()));
        // Releases are writes too; they keep the range from running full.
        if number % 4 != 0 {
            assert!(registry.release(&key).expect("released"));
            worker::say(format_args!("{} released", key.service));
        }
    }
}

#[test]
fn a_kill_in_the_midst_of_a_write_loses_nothing_and_blocks_nobody() {
    let place = Place::new();
    for round in 0..ROUNDS {
        // Two at a time: one may wait for the lock that the other is killed with.
        let mut workers: Vec<Worker> = (0..2)
            .map(|number| {
                let mut worker = Worker::start(command("kill")).expect("a worker");
                worker.tell(place.directory.path().to_str().expect("a path"));
                worker.tell(&format!("{round}-{number}"));
                worker
            })
            .collect();
        let mut said = Vec::new();
        for worker in &mut workers {
            said.push(worker.next().expect("a first lease"));
        }
        // Not a wait for something: it is when the kill falls, another moment each round.
        std::thread::sleep(Duration::from_micros(u64::from(round) * 700));
        for worker in &mut workers {
            worker.kill();
        }
        for worker in &mut workers {
            said.extend(std::iter::from_fn(|| worker.next()));
        }
        check(&place, &said, round);
    }
}

fn check(place: &Place, said: &[String], round: u32) {
    // A process that is not stuck, with the registry as the dead left it.
    let registry = place.again();
    registry.lease(&place.key("after")).expect("a lease after a kill");

    let path = place.directory.path().join("leases.db");
    let connection = rusqlite::Connection::open(path).expect("the database");
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a verdict");
    assert_eq!(verdict, "ok", "round {round}");

    let rows = registry.leases().expect("leases");
    for (index, line) in said.iter().enumerate() {
        let (service, port) = line.split_once(' ').expect("a service and a port");
        // The last word of a worker may be a lease that it then released, and died.
        let is_last = !said[index + 1..].iter().any(|later| {
            later.rsplit_once('-').map(|(who, _)| who) == service.rsplit_once('-').map(|(who, _)| who)
        });
        let row = rows.iter().find(|row| row.key.service == service);
        let was_released = said.contains(&format!("{service} released"));
        match row {
            Some(row) => {
                assert!(!was_released, "round {round}: {service} was released and is back");
                assert_eq!(row.port.to_string(), port, "round {round}: {service}");
            }
            None => assert!(was_released || is_last, "round {round}: {line} is lost"),
        }
    }
}
