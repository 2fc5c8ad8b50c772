//! Scenarios, played on a running stack and seen from outside.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use rustix::process::Signal;

use crate::echo::{ECHO, await_quick, await_slow, connect, link, round_trip};
use crate::world::{PATIENCE, World, eventually, kill};

const SCENARIOS: &str = r#"
[scenario.slow]
about = "a slow second and a half"
length = "2500ms"
step = [{ at = "500ms", for = "1500ms", link = "a -> b", latency = "80ms" }]

[scenario.tunnel]
step = [{ for = "1500ms", link = "* -> b", cut = "hole" }]

[scenario.endless]
length = "1m"
repeat = "forever"
step = [{ link = "a -> b", profile = "edge" }]

[scenario.twice]
repeat = 2
step = [
  { at = "100ms", for = "200ms", link = "a -> b", latency = "20ms" },
  { at = "200ms", for = "200ms", link = "a -> b", rate = "1mbit" },
]
"#;

fn world() -> World {
    let world = World::new();
    world.file(&format!("{ECHO}{SCENARIOS}"));
    world.run(&["up", "-d"]).ok();
    world
}

fn playing(world: &World) -> serde_json::Value {
    world.status()["playing"].clone()
}

#[test]
fn latency_comes_and_goes_as_it_is_written() {
    let world = world();
    let mut stream = connect(&world);
    await_quick(&mut stream, Duration::from_millis(80));
    let mut play = world.start(&["play", "slow"]);
    await_slow(&mut stream, Duration::from_millis(160));
    assert_eq!(playing(&world), "slow");
    let said = play.wait().ok();
    assert!(said.contains(" 0:00.5  "), "{said}");
    assert!(
        said.ends_with("scenario slow is over: its links are as before"),
        "{said}"
    );
    assert!(playing(&world).is_null());
    await_quick(&mut stream, Duration::from_millis(80));
    assert!(world.run(&["logs"]).ok().contains("scenario slow begins"));
    drop(stream);
    world.run(&["down"]).ok();
}

#[test]
fn a_cut_of_a_scenario_holds_and_heals() {
    let world = world();
    let mut stream = connect(&world);
    round_trip(&mut stream).expect("an echo");
    let mut play = world.start(&["play", "tunnel"]);
    eventually("it is cut", || !link(&world, "a -> b")["cut"].is_null());
    stream.write_all(b"held").expect("written");
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .expect("set");
    let held = stream.read(&mut [0; 4]).expect_err("nothing passes");
    assert_eq!(held.kind(), ErrorKind::WouldBlock);
    play.wait().ok();
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut came = [0; 4];
    stream.read_exact(&mut came).expect("what was held comes");
    assert_eq!(&came, b"held");
    drop(stream);
    world.run(&["down"]).ok();
}

#[test]
fn a_scenario_is_undone_however_its_player_ends() {
    let world = world();
    let mut stream = connect(&world);
    for signal in [Signal::KILL, Signal::INT] {
        let mut play = world.start(&["play", "endless"]);
        await_slow(&mut stream, Duration::from_millis(160));
        // One at a time.
        let second = world.run(&["play", "slow"]);
        second.fails(
            2,
            &["play slow: endless is being played", "one scenario at a time"],
        );
        assert_eq!(playing(&world), "endless");
        kill(play.pid(), signal);
        play.wait();
        eventually("it is undone", || playing(&world).is_null());
        assert_eq!(link(&world, "a -> b")["up"], serde_json::json!({}));
        await_quick(&mut stream, Duration::from_millis(160));
    }
    let logs = world.run(&["logs"]).ok();
    assert!(logs.contains("scenario endless was interrupted"), "{logs}");
    drop(stream);
    world.run(&["down"]).ok();
}

#[test]
fn what_is_set_by_hand_meanwhile_is_there_afterwards() {
    let world = world();
    let play = world.start(&["play", "endless"]);
    eventually("it is played", || playing(&world) == "endless");
    let said = world.run(&["set", "a -> b", "--latency", "7ms"]).ok();
    assert_eq!(
        said,
        "a -> b: 7ms each way, beneath the scenario that is being played"
    );
    assert_eq!(link(&world, "a -> b")["up"]["latency"], "420ms");
    play.stop();
    eventually("it is undone", || playing(&world).is_null());
    assert_eq!(
        link(&world, "a -> b")["up"],
        serde_json::json!({ "latency": "7ms" })
    );
    world.run(&["down"]).ok();
}

#[test]
fn scenarios_are_listed_shown_and_told_to_programs() {
    let world = World::new();
    world.file(&format!("{ECHO}{SCENARIOS}"));
    let list = world.run(&["play"]).ok();
    for text in ["slow", "0:02.5", "a slow second and a half", "until interrupted"] {
        assert!(list.contains(text), "{text:?} is not in:\n{list}");
    }
    let shown = world.run(&["play", "twice", "--dry-run"]).ok();
    let times: Vec<&str> = shown.lines().filter_map(|line| line.get(..7)).collect();
    assert_eq!(times, [" 0:00.1", " 0:00.2", " 0:00.4"], "{shown}");
    world.run(&["play", "twic", "--dry-run"]).fails(
        2,
        &["there is no scenario `twic`", "slow, tunnel, endless, twice"],
    );
    world.run(&["play", "twice"]).fails(3, &["is not running"]);

    world.run(&["up", "-d"]).ok();
    world
        .run(&["play", "twic"])
        .fails(2, &["there is no scenario `twic` in stack p"]);
    let lines = world.run(&["play", "twice", "--json"]).ok();
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let times: Vec<u64> = lines
        .iter()
        .map(|line| line["at_ms"].as_u64().expect("a time"))
        .collect();
    // Two passes of 400 ms; what is late is late, and nothing is early.
    assert!(times.is_sorted() && times[0] >= 100, "{lines:?}");
    assert!(times.iter().any(|time| *time >= 500), "{lines:?}");
    world.run(&["down"]).ok();
}
