//! The store's protocol.

use std::io::{BufRead, BufReader, Write};

use crate::running::{Folder, Running};

#[test]
fn each_request_has_its_answer() {
    let folder = Folder::new("protocol");
    let store = Running::store(folder.path());
    let mut to = store.connect();
    let mut from = BufReader::new(to.try_clone().expect("a second handle"));
    let mut line = || {
        let mut line = String::new();
        from.read_line(&mut line).expect("an answer");
        line
    };
    for (request, answers) in [
        ("PING", &["PONG"][..]),
        ("PING\r", &["PONG"]),
        ("GET a", &["NONE"]),
        ("PUT a  two words ü ", &["OK"]),
        ("GET a", &["VALUE  two words ü "]),
        ("PUT a 1", &["OK"]),
        ("GET a", &["VALUE 1"]),
        ("NEXT n", &["VALUE 1"]),
        ("NEXT n", &["VALUE 2"]),
        ("PUT k:1 x", &["OK"]),
        ("PUT k:2 y", &["OK"]),
        ("PUT k%3 z", &["OK"]),
        ("LIST k: 10", &["VALUES 2", "k:2 y", "k:1 x"]),
        ("LIST k: 1", &["VALUES 1", "k:2 y"]),
        ("LIST none 10", &["VALUES 0"]),
        ("LIST k:", &["ERROR LIST takes a prefix and a limit"]),
        ("LIST k: many", &["ERROR LIST: the limit is no number"]),
        ("PUT a", &["ERROR PUT takes a key and a value"]),
        ("GET", &["ERROR a key is missing"]),
        ("GET a b", &["ERROR a key has no blanks"]),
        ("get a", &["ERROR unknown request"]),
        ("", &["ERROR unknown request"]),
    ] {
        writeln!(to, "{request}").expect("it takes the line");
        for answer in answers {
            assert_eq!(line(), format!("{answer}\n"), "{request}");
        }
    }
}

#[test]
fn counters_are_exact_under_many_clients() {
    let folder = Folder::new("counter");
    let store = Running::store(folder.path());
    let client = shop::store::Client::new(&store.address.to_string());
    let within = std::time::Duration::from_secs(30);
    let mut numbers: Vec<u64> = std::thread::scope(|scope| {
        let count = || {
            (0..20)
                .map(|_| client.next("n", within).expect("a number"))
                .collect::<Vec<u64>>()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=160).collect::<Vec<u64>>());
}

#[test]
fn a_line_that_is_too_long_ends_the_connection() {
    let folder = Folder::new("long");
    let store = Running::store(folder.path());
    let mut to = store.connect();
    let long = "x".repeat(shop::store::LINE_MAX * 4);
    // It may close while this is still being sent.
    let _ = to.write_all(long.as_bytes());
    let mut answer = String::new();
    let end = BufReader::new(to).read_line(&mut answer);
    assert!(!matches!(end, Ok(1..)), "{answer}");
    let client = shop::store::Client::new(&store.address.to_string());
    client
        .ping(std::time::Duration::from_secs(30))
        .expect("and it serves on");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new("file");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("the folder can be written to");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_shop-store"))
        .env("DATA_DIR", &file)
        .env("PORT", "0")
        .output()
        .expect("the program was built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.starts_with("error: open ") && said.contains("store.db"),
        "{said}"
    );
}
