//! PostgreSQL with pgbench, and Redis with its own clients: questions and answers, so round trips.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{Needed, Server, bytes, in_lab, intact, number, programs, runs, words};
use crate::world::{World, is_root};

/// PostgreSQL refuses to run as root; the tests' other servers of it run as this user too.
fn not_root() -> &'static str {
    if is_root() {
        "setpriv --reuid=postgres --regid=postgres --clear-groups"
    } else {
        ""
    }
}

/// A cluster of its own with pgbench's tables in it.
fn postgres(world: &World, initdb: &str, postgres: &str, pgbench: &str) -> Server {
    let project = world.project();
    for folder in [project.parent().expect("a parent"), &project] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("open to all");
    }
    let as_user = not_root();
    runs(
        world,
        &format!("{as_user} {initdb} -A trust -N -U tester -D data"),
    );
    // Nothing here is to survive a crash, and a disk has no part in what is measured.
    let line = format!(
        "{as_user} {postgres} -D data -p PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    );
    let server = Server::start(world, &line);
    // The port listens before the database takes connections (it recovers first), but not long.
    let made = format!(
        "{pgbench} -i -q -h 127.0.0.1 -p {} -U tester postgres",
        server.port
    );
    crate::world::eventually("pgbench makes its tables", || {
        let words = words(&made);
        let output = Command::new(&words[0]).args(&words[1..]).output();
        output.expect("pgbench runs").status.success()
    });
    server
}

const POSTGRES: [Needed; 3] = [
    ("initdb", "postgresql"),
    ("postgres", "postgresql"),
    ("pgbench", "postgresql"),
];

#[test]
fn a_transaction_takes_the_round_trips_of_its_statements() {
    let test = "a_transaction_takes_the_round_trips_of_its_statements";
    let world = World::new();
    let Some([initdb, server, pgbench]) = programs(test, POSTGRES) else {
        return;
    };
    let server = postgres(&world, &initdb, &server, &pgbench);
    let client = format!("{pgbench} -n -h gateway -p {} -U tester", server.port);
    // TPC-B in seven statements; then one statement, and the same again from four clients.
    for (arguments, transactions, trips) in [
        ("-t 4", 4, 7.0),
        ("-S -t 10", 10, 1.0),
        ("-S -c 4 -t 10", 40, 1.0),
    ] {
        let line = format!("{client} {arguments} postgres");
        let seen = in_lab(&world, "--latency 20ms", &line);
        assert_eq!(
            number(&seen.out, "actually processed:"),
            f64::from(transactions),
            "{seen:?}"
        );
        let average = number(&seen.out, "latency average =");
        assert!(average >= 40.0 * trips, "{arguments}: {seen:?}");
        let packets = transactions as u64 * trips as u64;
        seen.nothing_lost(packets, packets);
    }

    // Through loss no transaction is lost, nor done twice.
    let line = format!("{client} -c 4 -t 10 postgres");
    let seen = in_lab(&world, "--latency 2ms --loss 3%", &line);
    assert_eq!(number(&seen.out, "actually processed:"), 40.0, "{seen:?}");
    assert!(seen.up("loss") > 0 && seen.down("loss") > 0, "{seen:?}");
    let psql = "psql -XAt -h gateway -U tester postgres -c 'select count(*) from pgbench_history' -p";
    let seen = in_lab(&world, "--profile 4g", &format!("{psql} {}", server.port));
    assert_eq!(seen.out.trim(), "44", "{seen:?}");
    assert!(seen.up("delivered") >= 4, "{seen:?}");
}

const REDIS: [Needed; 3] = [
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("redis-benchmark", "redis-tools"),
];

/// Of redis-benchmark's CSV: a column of the row of one test.
#[track_caller]
fn column(csv: &str, test: &str, name: &str) -> f64 {
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split(',').map(|cell| cell.trim_matches('"').to_owned());
        cells.collect()
    };
    let mut lines = csv.lines().map(cells);
    let head = lines.next().expect("a head");
    let at = head.iter().position(|cell| cell == name).expect("the column");
    let row = lines
        .find(|row| row[0] == test)
        .unwrap_or_else(|| panic!("no {test} in {csv}"));
    row[at].parse().expect("a number")
}

#[test]
fn a_command_takes_a_round_trip_and_a_pipeline_of_them_one() {
    let test = "a_command_takes_a_round_trip_and_a_pipeline_of_them_one";
    let world = World::new();
    let Some([server, cli, benchmark]) = programs(test, REDIS) else {
        return;
    };
    let server = Server::start(
        &world,
        &format!("{server} --port PORT --bind 127.0.0.1 --save ''"),
    );
    let client = format!("{benchmark} --csv -h gateway -p {} -t set -c 2", server.port);
    let seen = in_lab(&world, "--latency 10ms", &format!("{client} -n 40"));
    // The fastest is one trip and no more: two would be 40 ms.
    let fastest = column(&seen.out, "SET", "min_latency_ms");
    assert!((20.0..35.0).contains(&fastest), "{seen:?}");
    // Two clients can't ask more often than this, one by one.
    let one_by_one = 2.0 / 0.020;
    assert!(column(&seen.out, "SET", "rps") <= one_by_one, "{seen:?}");
    seen.nothing_lost(40, 40);
    let seen = in_lab(&world, "--latency 10ms", &format!("{client} -n 640 -P 16"));
    assert!(column(&seen.out, "SET", "min_latency_ms") >= 20.0, "{seen:?}");
    assert!(column(&seen.out, "SET", "rps") > 2.0 * one_by_one, "{seen:?}");
    seen.nothing_lost(40, 40);
    assert!(seen.up("delivered") < 320, "{seen:?}");

    // What is written through loss is what is read by a neighbour of the server.
    let content = bytes(300_000);
    fs::write(world.project().join("sent"), &content).expect("written");
    let line = format!("sh -c '{cli} -h gateway -p {} -x set big <sent'", server.port);
    let seen = in_lab(&world, "--latency 2ms --loss 5%", &line);
    assert_eq!(seen.out.trim(), "OK", "{seen:?}");
    // 207 segments: that none is lost has a chance of 10⁻⁵.
    assert!(seen.up("loss") > 0, "{seen:?}");
    let line = format!("--raw -p {} get big", server.port);
    let got = Command::new(&cli)
        .args(words(&line))
        .output()
        .expect("redis-cli runs");
    // It ends what it prints with a line.
    fs::write(
        world.project().join("got"),
        got.stdout.strip_suffix(b"\n").expect("a line"),
    )
    .expect("written");
    intact(&world.project().join("got"), &content);
}
