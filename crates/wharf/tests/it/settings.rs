//! `wharf set` and the keys of `[link]`: every condition, good and bad.

use crate::echo::{ECHO, connect, link, round_trip};
use crate::world::World;

/// Every condition, with a value that `wharf links --json` gives back as it is.
const ALL: [(&str, &str); 16] = [
    ("latency", "3ms"),
    ("jitter", "1ms normal"),
    ("rate", "10mbit"),
    ("burst", "32KiB"),
    ("overhead", "38B"),
    ("queue", "64KiB"),
    ("discipline", "codel"),
    ("loss", "1% burst 3"),
    ("corrupt", "0.1%"),
    ("duplicate", "0.2%"),
    ("reorder", "1%"),
    ("outage", "on 28s off 2s"),
    ("mtu", "1400B"),
    ("scope", "connection"),
    ("window", "64KiB"),
    ("congestion", "bbr"),
];

const BAD: &[(&[&str], &[&str])] = &[
    (&["--latency", "5"], &["--latency", "`5`", "ms"]),
    (&["--jitter", "5ms gauss"], &["--jitter", "gauss"]),
    (&["--rate", "1mbps"], &["--rate", "1mbps"]),
    (&["--burst", "large"], &["--burst", "large"]),
    (&["--overhead", "x"], &["--overhead", "x"]),
    (&["--queue", "some"], &["--queue", "some"]),
    (&["--discipline", "kodel"], &["--discipline", "kodel"]),
    (&["--loss", "200%"], &["--loss", "200%"]),
    (&["--corrupt", "often"], &["--corrupt", "often"]),
    (&["--reorder", "25% gap"], &["--reorder", "gap"]),
    (&["--outage", "sometimes"], &["--outage", "sometimes"]),
    (&["--mtu", "0"], &["--mtu"]),
    (&["--scope", "world"], &["--scope", "world"]),
    (&["--congestion", "vegas"], &["--congestion", "vegas"]),
    (&["--faults", "slice"], &["--faults", "slice"]),
    (&["--trace", "t twice"], &["--trace", "twice"]),
    (&["5g-slow"], &["there is no profile `5g-slow`"]),
    (&[], &["there is nothing to set"]),
    (&["--clear", "--restore"], &["--clear", "--restore"]),
    (&["--latency", "1ms", "--up", "--down"], &["--up", "--down"]),
];

#[test]
fn every_condition_is_set_by_flag_and_by_file_cleared_and_restored() {
    let world = World::new();
    let lines: String = ALL.map(|(key, value)| format!("{key} = \"{value}\"\n")).concat();
    world.file(&format!(
        "{ECHO}[service.c]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n\
         [link.\"c -> b\"]\n{lines}faults = \"slice 64B, limit 1MiB\"\n[link.\"a -> b\"]\nlatency = \"2ms\"\n"
    ));
    world.run(&["up", "-d"]).ok();
    let in_file = link(&world, "c -> b")["up"].clone();
    for (key, value) in ALL {
        let flag = format!("--{key}");
        world.run(&["set", "a -> b", &flag, value]).ok();
        let up = link(&world, "a -> b")["up"].clone();
        assert_eq!(up[key], value, "{up}");
        assert_eq!(in_file[key], value, "{in_file}");
    }
    assert_eq!(in_file["faults"], "slice 64B, limit 1MiB");
    // All of it together still carries.
    round_trip(&mut connect(&world)).expect("an echo");
    // `none` takes away one, and leaves the others.
    for (key, _) in &ALL[1..] {
        world
            .run(&["set", "a -> b", &format!("--{key}"), "none", "--down"])
            .ok();
    }
    let now = link(&world, "a -> b");
    assert_eq!(now["down"], serde_json::json!({ "latency": "3ms" }));
    assert_eq!(now["up"]["rate"], "10mbit");
    world.run(&["set", "a -> b", "--restore", "--up"]).ok();
    let now = link(&world, "a -> b");
    assert_eq!(now["up"], serde_json::json!({ "latency": "2ms" }));
    assert_eq!(now["down"], serde_json::json!({ "latency": "3ms" }));
    world.run(&["set", "a -> b", "4g", "--rate", "1mbit"]).ok();
    let now = link(&world, "a -> b");
    assert_eq!(now["up"]["latency"], "42.5ms", "{now}");
    assert_eq!(now["up"]["rate"], "1mbit", "{now}");
    world.run(&["set", "a -> b", "4g"]).ok();
    let shown = world.run(&["links"]).ok();
    assert!(shown.contains(" 4g (up 42.5ms"), "{shown}");
    world.run(&["down"]).ok();
}

#[test]
fn what_cannot_be_set_is_said_and_changes_nothing() {
    let world = World::new();
    world.file(ECHO);
    world.run(&["up", "-d"]).ok();
    for (arguments, said) in BAD {
        let mut all = vec!["set", "a -> b"];
        all.extend(*arguments);
        world.run(&all).fails(2, said);
    }
    assert_eq!(link(&world, "a -> b")["up"], serde_json::json!({}));
    world
        .run(&["set", "a -> x", "--latency", "1ms"])
        .fails(2, &["there is no link `a -> x`", "'a -> b'"]);
    world.run(&["down"]).ok();
}
