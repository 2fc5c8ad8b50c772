//! Segments: what several links share.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::echo::link;
use crate::world::{PATIENCE, World};

const FILE: &str = r#"
[service.a]
run = "PEER hello"
needs = ["b", "c"]
[service.b]
run = "PEER sink"
[service.c]
run = "PEER sink"
[segment.home]
rate = "8mbit"
[link."a -> b"]
via = ["home"]
latency = "1ms"
[link."a -> c"]
via = ["home"]
"#;

/// Sends so much, and waits until the other side has taken it all.
fn send(address: &str, bytes: usize) {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream.write_all(&vec![0; bytes]).expect("written");
    stream.shutdown(std::net::Shutdown::Write).expect("shut");
    assert_eq!(stream.read(&mut [0; 1]).expect("its end"), 0);
}

#[test]
fn two_links_share_the_rate_of_a_segment() {
    let world = World::new();
    world.file(FILE);
    world.run(&["up", "-d"]).ok();
    let addresses = ["B_ADDR", "C_ADDR"].map(|name| world.variable("a", name));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for address in &addresses {
            scope.spawn(|| send(address, 500_000));
        }
    });
    let took = begun.elapsed();
    // A million bytes at eight million bits a second; each alone would take half of it.
    assert!(took >= Duration::from_millis(980), "{took:?}");
    let status = world.status();
    let segment = &status["segments"][0];
    assert_eq!(segment["name"], "home");
    assert_eq!(segment["up"]["rate"], "8mbit");
    assert_eq!(segment["stats"]["bytes_up"], 1_000_000, "{segment}");
    assert_eq!(link(&world, "a -> b")["via"], serde_json::json!(["home"]));
    let shown = world.run(&["links"]).ok();
    let line = |of: &str| {
        let line = shown.lines().find(|line| line.starts_with(of));
        line.unwrap_or_else(|| panic!("{of} is not in:\n{shown}"))
            .to_owned()
    };
    assert!(line("a -> b").ends_with("1ms via home"), "{shown}");
    assert!(line("a -> c").ends_with("clear via home"), "{shown}");
    assert!(line("SEGMENT").contains("LINKS"), "{shown}");
    let home = line("home");
    assert!(
        home.contains("8mbit") && home.ends_with("a -> b, a -> c"),
        "{shown}"
    );

    // A new rate is in force once the file has been applied, on the segment that is there.
    world.file(&FILE.replace("8mbit", "80mbit"));
    world.run(&["up", "-d"]).ok();
    assert_eq!(world.status()["segments"][0]["up"]["rate"], "80mbit");
    let begun = Instant::now();
    send(&addresses[0], 1_000_000);
    assert!(begun.elapsed() >= Duration::from_millis(98));
    world.run(&["down"]).ok();
}
