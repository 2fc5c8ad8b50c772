use std::collections::BTreeMap;
use std::time::Duration;

use wharf_lease::{Checkout, Key, Registry, RegistryConfig, StateDir};

use crate::Place;
use crate::worker::{self, Worker, command};

const ROUNDS: u32 = 30;
const RELEASED: &str = "released";

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
        if number % 16 != 0 {
            assert!(registry.release(&key).expect("released"));
            worker::say(format_args!("{} {RELEASED}", key.service));
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
        // Only the first: the second may be anywhere by then, opening the registry too.
        let mut said = vec![vec![workers[0].next().expect("a first lease")], Vec::new()];
        // Not a wait for something: it is when the kill falls, another moment each round.
        std::thread::sleep(Duration::from_micros(u64::from(round) * 700));
        for worker in &mut workers {
            worker.kill();
        }
        for (worker, said) in workers.iter_mut().zip(&mut said) {
            said.extend(std::iter::from_fn(|| worker.next()));
        }
        check(&place, &said, round);
    }
}

fn check(place: &Place, said: &[Vec<String>], round: u32) {
    // A process that is not stuck, with the registry as the dead left it.
    let registry = place.again();
    registry.lease(&place.key("after")).expect("a lease after a kill");

    let path = place.directory.path().join("leases.db");
    let connection = rusqlite::Connection::open(path).expect("the database");
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a verdict");
    assert_eq!(verdict, "ok", "round {round}");

    let rows: BTreeMap<String, u16> = registry
        .leases()
        .expect("leases")
        .into_iter()
        .map(|row| (row.key.service, row.port))
        .collect();
    for lines in said {
        let mut last_words = BTreeMap::new();
        for line in lines {
            let (service, word) = line.split_once(' ').expect("a service and a word");
            last_words.insert(service, word);
        }
        // A worker that said "leased" last may have released it and died before it said so.
        let last = lines
            .last()
            .and_then(|line| line.split_once(' '))
            .map(|(service, _)| service);
        for (service, word) in last_words {
            let row = rows.get(service).map(ToString::to_string);
            match row {
                Some(port) => assert_eq!(port, word, "round {round}: {service}"),
                None => assert!(
                    word == RELEASED || Some(service) == last,
                    "round {round}: {service} {word} is lost"
                ),
            }
        }
    }
}
