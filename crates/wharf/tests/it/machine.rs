//! `wharf snapshot`, `--snapshot`, `wharf schema`: the facts of a machine as a file.

use std::process::Command;

use serde_json::Value;

use crate::server::{Beside, await_listener, free_port};
use crate::world::{World, peer};

#[test]
fn a_colleagues_machine_is_judged_from_its_file() {
    let world = World::new();
    let port = free_port();
    let server = Beside::peer(&world, "hello", port);
    let pid = server.pid();
    let snapshot = world.run(&["snapshot"]).ok();
    world.write("machine.json", &snapshot);
    drop(server);
    let target = port.to_string();
    let ran = world.run(&["explain", &target, "--snapshot", "machine.json", "--json"]);
    let explained: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        explained[0]["listeners"][0]["owners"][0]["pid"], pid,
        "{}",
        ran.out
    );
    let map = world.run(&["ls", "--snapshot", "machine.json", "--json"]).ok();
    let map: Value = serde_json::from_str(&map).expect("JSON");
    let ports: Vec<&Value> = map
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["port"])
        .collect();
    assert!(ports.contains(&&Value::from(port)), "{map}");
    let ran = world.run(&["doctor", "--snapshot", "machine.json", "--json"]);
    let doctor: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert!(!doctor.as_array().expect("checks").is_empty());
    // By a pipe, too.
    let mut piped = Command::new("sh");
    let wharf = crate::world::wharf().display().to_string();
    piped.args(["-c", "\"$0\" ls --snapshot - --json < machine.json", &wharf]);
    piped.envs(world.environment()).current_dir(world.project());
    assert_eq!(
        serde_json::from_str::<Value>(&world.finish(piped).ok()).expect("JSON"),
        map
    );
}

#[test]
fn secrets_do_not_leave_with_a_snapshot() {
    let world = World::new();
    let port = free_port();
    let mut command = Command::new(peer());
    command
        .args([
            "hello",
            "--token=hunter2-a",
            "--api-key",
            "hunter2-b",
            "redis://ada:hunter2-c@localhost",
        ])
        .env("PORT", port.to_string())
        .env("SECRET", "hunter2-d")
        .env("HTTP_PROXY", "http://ada:hunter2-e@proxy.invalid:3128");
    let _server = Beside::start(&world, command);
    await_listener(port);
    let mut taking = world.command(&["snapshot"]);
    taking.env("HTTPS_PROXY", "http://ada:hunter2-f@proxy.invalid:3128");
    let snapshot = world.finish(taking).ok();
    assert!(snapshot.contains("--token=***"), "the process itself is in it");
    assert!(snapshot.contains("proxy.invalid:3128"));
    let leaks: Vec<&str> = snapshot.lines().filter(|line| line.contains("hunter2")).collect();
    assert_eq!(leaks, Vec::<&str>::new());
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let world = World::new();
    world.write("broken.json", "{\"version\": 1, \"tcp\": 7}");
    world.write("later.json", "{\"version\": 99}");
    for command in [&["ls"][..], &["explain", "80"], &["doctor"]] {
        let with = |file| world.run(&[command, &["--snapshot", file]].concat());
        with("none.json").fails(2, &["read the snapshot none.json", "No such file"]);
        with("broken.json").fails(2, &["read the snapshot broken.json", "wharf snapshot >"]);
        with("later.json").fails(2, &["form 99", "a newer wharf"]);
    }
    // What a file does not tell is unknown, and never nothing.
    world.write("empty.json", "{\"version\": 1}");
    world
        .run(&["ls", "--snapshot", "empty.json"])
        .fails(12, &["could not be seen"]);
    let explained = world.run(&["explain", "80", "--snapshot", "empty.json"]);
    assert_eq!(explained.code, 12, "{}", explained.out);
}

/// What is checked in, and the command that makes it anew.
macro_rules! published {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../../schemas/", $name, ".json")),
        )
    };
}

#[test]
fn the_published_schemas_are_those_of_this_program() {
    let world = World::new();
    let all = [
        published!("explain"),
        published!("ls"),
        published!("doctor"),
        published!("snapshot"),
    ];
    for (name, published) in all {
        let schema = world.run(&["schema", name]).ok();
        assert!(
            schema.trim_end() == published.trim_end(),
            "schemas/{name}.json is stale: wharf schema {name} > schemas/{name}.json"
        );
    }
}
