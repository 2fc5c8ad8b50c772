//! `wharf lab --topology`: a command at a host of a whole network, others beside it, and that nothing is left.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::world::{World, eventually, kill};

const PAIR: &str = "
    node.a = {}
    node.r = { kind = 'router' }
    node.s = { kind = 'router' }
    node.b = {}
    segment.near = { nodes = ['a', 'r'], latency = '3ms' }
    segment.far = { nodes = ['r', 's'], latency = '7ms' }
    segment.spare = { nodes = ['r', 's'], metric = 9 }
    segment.last = { nodes = ['s', 'b'] }
";

/// A world with that topology in a file.
fn world() -> World {
    let world = World::new();
    fs::write(world.project().join("pair.toml"), PAIR).expect("written");
    world
}

/// The arguments for a script at `a`.
fn at_a<'a>(before: &[&'a str], script: &'a str) -> Vec<&'a str> {
    let mut words = vec!["lab", "--topology", "pair.toml", "--at", "a"];
    words.extend(before);
    words.extend(["--", "sh", "-c", script]);
    words
}

#[test]
fn a_command_runs_at_its_host_and_knows_the_others_by_name() {
    let world = world();
    let ran = world.run(&at_a(
        &["--stats"],
        "ping -4 -c 1 -W 2 b && ping -6 -c 1 -W 2 b; exit 7",
    ));
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(ran.out.matches("1 received").count(), 2, "{ran:?}");
    // Of the two ways the shorter was taken.
    assert!(ran.err.contains("far") && !ran.err.contains("spare"), "{ran:?}");
    assert!(ran.err.contains("up 2 packets, down 2 packets"), "{ran:?}");
}

#[test]
fn what_has_passed_is_written_by_place() {
    let world = world();
    world
        .run(&at_a(&["--json", "figures.json"], "ping -4 -c 3 -i 0.2 -W 2 b"))
        .ok();
    let text = fs::read_to_string(world.project().join("figures.json")).expect("written");
    let figures: Value = serde_json::from_str(&text).expect("JSON");
    let of = |list: &str, name: &str| -> Value {
        let all = figures[list].as_array().expect("a list").iter();
        let name_of = |place: &Value| match place {
            Value::Array(ways) => ways[0]["name"].clone(),
            place => place["name"].clone(),
        };
        let mut found = all.filter(|place| name_of(place) == name).cloned();
        found.next().expect("it is there")
    };
    assert_eq!(of("nodes", "r")["forwarded"], 6);
    assert_eq!(of("nodes", "b")["received"], 3);
    assert_eq!(of("segments", "near")[0]["delivered"], 3);
    assert_eq!(of("segments", "spare")[0]["delivered"], 0);
}

#[test]
fn commands_run_beside_it_and_are_waited_for() {
    let world = world();
    let server = "b:8080=exec python3 -u -m http.server 8080 --bind 0.0.0.0";
    fs::write(world.project().join("page"), "from the other host").expect("written");
    let fetch =
        "python3 -c \"import urllib.request as u; print(u.urlopen('http://b:8080/page').read().decode())\"";
    let ran = world.run(&at_a(&["--also", server], fetch));
    assert_eq!((ran.code, ran.out.trim()), (0, "from the other host"), "{ran:?}");
    world.await_empty();
    let ran = world.run(&at_a(&["--also", "b:8080=exit 3"], "true"));
    ran.fails(1, &["wait for port 8080 of b", "`exit 3` has ended"]);
    world.await_empty();
}

#[test]
fn a_segment_that_is_down_is_gone_around() {
    let world = world();
    let ping = "ping -4 -c 1 -W 2 b";
    let stats = |cut: &str| {
        let ran = world.run(&at_a(&["--stats", "--cut", cut], ping));
        (ran.code, ran.err)
    };
    let (code, said) = stats("far");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("spare"), "{said}");
    let (code, said) = stats("far,spare");
    assert_ne!(code, 0, "{said}");
    assert!(said.contains("no route"), "{said}");
}

#[test]
fn a_capture_has_what_passes_a_segment_and_what_it_drops() {
    let world = world();
    let narrow = PAIR.replace(
        "latency = '7ms'",
        "latency = '7ms', rate = '1mbit', queue = '2KiB'",
    );
    fs::write(world.project().join("pair.toml"), narrow).expect("written");
    let words = [
        "--capture",
        "x.pcapng",
        "--capture-at",
        "far,drops",
        "--json",
        "figures.json",
    ];
    let ping = "ping -4 -c 40 -i 0.002 -s 1400 -W 2 b; true";
    world.run(&at_a(&words, ping)).ok();
    let text = fs::read_to_string(world.project().join("figures.json")).expect("written");
    let figures: Value = serde_json::from_str(&text).expect("JSON");
    let far = figures["segments"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|ways| ways[0]["name"] == "far");
    let count = |key: &str| -> u64 {
        let ways = far.expect("it").as_array().expect("two").iter();
        ways.map(|way| way[key].as_u64().expect("a number")).sum()
    };
    assert!(count("queue") > 0, "{text}");
    let read = |filter: &str| {
        let ran = Command::new("tshark")
            .args([
                "-r",
                "x.pcapng",
                "-Y",
                filter,
                "-T",
                "fields",
                "-e",
                "frame.comment",
            ])
            .current_dir(world.project())
            .output()
            .expect("tshark runs");
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8_lossy(&ran.stdout)
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let passed = read("frame.interface_name == \"far\" && icmp");
    assert_eq!(passed.len() as u64, count("delivered"));
    let dropped = read("frame.interface_name == \"dropped by far\" && icmp");
    assert_eq!(dropped.len() as u64, count("queue"));
    assert!(
        dropped
            .iter()
            .all(|comment| comment.starts_with("dropped: queue of far (")),
        "{dropped:?}"
    );
    let ran = world.run(&at_a(&["--capture", "x.pcapng", "--capture-at", "fra"], "true"));
    ran.fails(2, &["there is no segment `fra`"]);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_made() {
    let world = world();
    let check = |words: &[&str], expected: &[&str]| {
        let mut all = vec!["lab"];
        all.extend(words);
        all.extend(["--", "true"]);
        world.run(&all).fails(2, expected);
    };
    let pair = ["--topology", "pair.toml"];
    check(&[&pair[..], &["--at", "c"]].concat(), &["there is no node `c`"]);
    check(
        &[&pair[..], &["--at", "a", "--cut", "fra"]].concat(),
        &["there is no segment `fra`", "`far`"],
    );
    check(
        &[&pair[..], &["--at", "a", "--also", "b"]].concat(),
        &["NODE=COMMAND"],
    );
    check(
        &[&pair[..], &["--at", "a", "--also", "b:x=true"]].concat(),
        &["`x` is no port"],
    );
    check(
        &["--topology", "no-such", "--at", "a"],
        &["there is no topology `no-such`"],
    );
    check(&pair, &["--at"]);
    let ran = world.run(&["lab", "--topology", "pair.toml", "--at", "r", "--", "true"]);
    ran.fails(1, &["it is no host", "name a host"]);
    world.await_empty();
}

#[test]
fn whichever_process_of_a_network_is_killed_nothing_is_left() {
    for victim in 0..4 {
        let world = world();
        let script = "setsid sh -c 'trap \"\" TERM INT HUP; echo deep; while :; do sleep 1; done' & wait";
        let mut running = world.start(&at_a(&[], script));
        running.await_line("deep");
        let below = |pid: u32| -> Vec<u32> {
            let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            text.split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect()
        };
        let is_keeper = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("keeper")
        };
        let (keeper, joined): (Vec<u32>, Vec<u32>) = below(running.pid()).into_iter().partition(is_keeper);
        let first = below(joined[0])[0];
        let pid = [running.pid(), keeper[0], joined[0], first][victim];
        kill(pid, Signal::KILL);
        let code = running.child.wait().expect("waited").code();
        assert_eq!(
            code,
            [None, Some(1), Some(1), Some(1)][victim],
            "{}",
            running.said()
        );
        world.await_empty();
        eventually("its processes are gone", || {
            [keeper[0], joined[0], first]
                .iter()
                .all(|pid| !fs::exists(format!("/proc/{pid}")).unwrap_or(true))
        });
    }
}
