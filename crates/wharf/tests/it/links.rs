//! Links: conditions and cuts, while connections live.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::echo::{ECHO, connect, round_trip};
use crate::world::{World, eventually};

#[test]
fn conditions_change_on_a_live_connection() {
    let world = World::new();
    world.file(ECHO);
    world.run(&["up", "-d"]).ok();
    let mut stream = connect(&world);
    round_trip(&mut stream).expect("an echo");
    let said = world.run(&["set", "a -> b", "--latency", "60ms"]).ok();
    assert_eq!(said, "a -> b: 60ms each way");
    let slow = round_trip(&mut stream).expect("an echo");
    assert!(slow >= Duration::from_millis(120), "{slow:?}");
    assert_eq!(
        world.run(&["set", "a->b", "--latency", "100ms", "--up"]).ok(),
        "a -> b: up 100ms; down 60ms"
    );
    let slower = round_trip(&mut stream).expect("an echo");
    assert!(slower >= Duration::from_millis(160), "{slower:?}");
    assert_eq!(
        world.run(&["set", "a -> b", "--clear"]).ok(),
        "a -> b: clear each way"
    );
    // The same connection still carries, and the least of some round trips is short again.
    let least = (0..20)
        .map(|_| round_trip(&mut stream).expect("an echo"))
        .min()
        .expect("some");
    assert!(least < Duration::from_millis(60), "{least:?}");
    world.run(&["set", "a -> b", "3g"]).ok();
    let links = world.run(&["links", "--json"]).ok();
    let links: serde_json::Value = serde_json::from_str(&links).expect("JSON");
    let link = links
        .as_array()
        .expect("links")
        .iter()
        .find(|link| link["name"] == "a -> b")
        .expect("the link")
        .clone();
    assert!(link["up"]["rate"].is_string(), "{link}");
    assert_eq!(link["stats"]["connections"], 1);
    assert_eq!(link["stats"]["bytes_up"], link["stats"]["bytes_down"]);
    world.run(&["set", "a -> b", "--restore"]).ok();
    world.run(&["down"]).ok();
}

#[test]
fn a_cut_holds_everything_and_heal_lets_it_go_on() {
    let world = World::new();
    world.file(ECHO);
    world.run(&["up", "-d"]).ok();
    let mut stream = connect(&world);
    round_trip(&mut stream).expect("an echo");
    world.run(&["cut", "a -> b"]).ok();
    assert!(world.run(&["links"]).ok().contains("CUT"));
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .expect("set");
    let held = round_trip(&mut stream).expect_err("nothing passes");
    assert_eq!(held.kind(), std::io::ErrorKind::WouldBlock);
    world.run(&["heal"]).ok();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("set");
    let mut held = [0; 4];
    stream.read_exact(&mut held).expect("what was held comes");
    assert_eq!(&held, b"ping");
    world.run(&["cut", "a -> b", "--reset"]).ok();
    let error = stream.read(&mut held).expect_err("reset");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    world.run(&["heal", "a -> b"]).ok();
    world.run(&["cut", "a -> b", "--refuse"]).ok();
    let address = world.variable("a", "B_ADDR");
    eventually("it refuses", || {
        TcpStream::connect(&address).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    });
    world.run(&["heal"]).ok();
    round_trip(&mut connect(&world)).expect("an echo");
    world.run(&["down"]).ok();
}

#[test]
fn a_provider_that_is_down_is_refused_as_it_would_be() {
    let world = World::new();
    world.file("[service.a]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n[service.b]\nrun = \"PEER echo\"\nrestart = \"never\"\n");
    world.run(&["up", "-d"]).ok();
    let address = world.variable("a", "B_ADDR");
    let pid = world.service("b")["pid"].as_u64().expect("a pid");
    crate::world::kill(u32::try_from(pid).expect("a pid"), rustix::process::Signal::KILL);
    eventually("connections are refused", || {
        TcpStream::connect(&address).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    });
    world.run(&["restart", "b"]).ok();
    round_trip(&mut TcpStream::connect(&address).expect("connected")).expect("an echo");
    world.run(&["down"]).ok();
}

#[test]
fn one_link_to_anything_without_a_file() {
    let world = World::new();
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let target = server.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for mut stream in server.incoming().flatten().take(1) {
            let mut buffer = [0; 4];
            while stream.read_exact(&mut buffer).is_ok() && stream.write_all(&buffer).is_ok() {}
        }
    });
    let link = world.start(&["link", &target, "--latency", "40ms"]);
    link.await_line("up in");
    let links: serde_json::Value = serde_json::from_str(&world.run(&["links", "--json"]).ok()).expect("JSON");
    let address = links[0]["address"].as_str().expect("an address").to_owned();
    let mut stream = TcpStream::connect(address).expect("connected");
    let slow = round_trip(&mut stream).expect("an echo");
    assert!(slow >= Duration::from_millis(80), "{slow:?}");
    let name = links[0]["name"].as_str().expect("a name").to_owned();
    world.run(&["set", &name, "--clear"]).ok();
    drop(stream);
    assert_eq!(link.stop().code, 0);
}
