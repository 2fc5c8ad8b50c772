//! A service that returns what it is sent, and a client of its link.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::world::{PATIENCE, World, eventually};

/// `a` needs `b`, which returns what it is sent.
pub(crate) const ECHO: &str =
    "[service.a]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n[service.b]\nrun = \"PEER echo\"\n";

/// There and back.
pub(crate) fn round_trip(stream: &mut TcpStream) -> std::io::Result<Duration> {
    let begun = Instant::now();
    stream.write_all(b"ping")?;
    stream.read_exact(&mut [0; 4])?;
    Ok(begun.elapsed())
}

/// A connection over the link `a -> b`.
pub(crate) fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.variable("a", "B_ADDR")).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

/// Waits until round trips are as short as this: a loaded machine may delay some.
#[track_caller]
pub(crate) fn await_quick(stream: &mut TcpStream, most: Duration) {
    eventually("round trips are short", || {
        round_trip(stream).expect("an echo") < most
    });
}

/// Waits until round trips take this long. No load makes a short one long enough to be taken for it
/// again and again: three in a row are wanted.
#[track_caller]
pub(crate) fn await_slow(stream: &mut TcpStream, least: Duration) {
    eventually("round trips are long", || {
        (0..3).all(|_| round_trip(stream).expect("an echo") >= least)
    });
}

/// A link of `wharf links --json`.
pub(crate) fn link(world: &World, name: &str) -> serde_json::Value {
    let links: serde_json::Value = serde_json::from_str(&world.run(&["links", "--json"]).ok()).expect("JSON");
    let links = links.as_array().expect("links").clone();
    links
        .into_iter()
        .find(|link| link["name"] == name)
        .expect("the link")
}
