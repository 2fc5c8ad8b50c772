//! Segments: what several links share.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
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
    // And what the TCP of the link that takes time adds: its handshake, and now and then something sent again.
    let passed = segment["stats"]["bytes_up"].as_u64().expect("a number");
    assert!((1_000_000..1_010_000).contains(&passed), "{segment}");
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

/// A game's datagrams, and the files that somebody else in the house sends.
#[test]
fn datagrams_and_connections_share_a_segment() {
    let world = World::new();
    world.file(
        r#"
[service.a]
run = "PEER hello"
needs = ["game", "files"]
[service.game]
run = "PEER udp-echo"
transport = "udp"
[service.files]
run = "PEER sink"
[segment.home]
rate = "8mbit"
latency = "20ms"
[link."a -> game"]
via = ["home"]
[link."a -> files"]
via = ["home"]
"#,
    );
    world.run(&["up", "-d"]).ok();
    let player = UdpSocket::bind("127.0.0.1:0").expect("bound");
    player
        .connect(world.variable("a", "GAME_ADDR"))
        .expect("connected");
    player.set_read_timeout(Some(PATIENCE)).expect("set");
    let ping = || {
        let begun = Instant::now();
        player.send(b"ping").expect("sent");
        assert_eq!(player.recv(&mut [0; 16]).expect("answered"), 4);
        begun.elapsed()
    };
    assert!(ping() >= Duration::from_millis(40));
    let files = world.variable("a", "FILES_ADDR");
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| send(&files, 500_000));
        for _ in 0..5 {
            ping();
        }
    });
    assert!(begun.elapsed() >= Duration::from_millis(490));
    let status = world.status();
    let up = &status["segments"][0]["stats"]["bytes_up"];
    // Six datagrams of 28 bytes of headers and four more; of the stream no headers, but the SYN, of 60 bytes, since its
    // TCP is modelled, and now and then something sent again.
    let least = 500_000 + 6 * 32 + 60;
    let up = up.as_u64().expect("a number");
    assert!((least..least + 10_000).contains(&up), "{status}");
    assert_eq!(link(&world, "a -> game")["via"], serde_json::json!(["home"]));
    let shown = world.run(&["links"]).ok();
    assert!(shown.contains("clear via home"), "{shown}");
    world.run(&["down"]).ok();
}
