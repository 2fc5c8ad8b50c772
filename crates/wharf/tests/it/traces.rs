//! Traces: made up, shown, and used by a link.

use std::fs;
use std::time::{Duration, Instant};

use crate::echo::{ECHO, connect, link, round_trip};
use crate::world::World;

#[test]
fn a_trace_is_made_shown_and_used() {
    let world = World::new();
    let synth = |name: &str, seed: &str| {
        let arguments = ["trace", "synth", "--like", "4g-driving", "--seconds", "30"];
        let mut all = arguments.to_vec();
        all.extend(["--seed", seed, "-o", name]);
        world.run(&all).ok()
    };
    let said = synth("t", "1");
    assert!(
        said.contains("30 s like 4g-driving") && said.contains("seed 1"),
        "{said}"
    );
    synth("same", "1");
    synth("other", "2");
    let read = |name: &str| fs::read_to_string(world.project().join(name)).expect("a trace");
    assert_eq!(read("t"), read("same"));
    assert_ne!(read("t"), read("other"));
    let shown = world.run(&["trace", "show", "t"]).ok();
    assert!(shown.contains("on the whole"), "{shown}");
    assert!(
        world
            .run(&["trace", "show", "t", "--svg"])
            .ok()
            .starts_with("<svg")
    );
    assert!(world.run(&["trace", "models"]).ok().contains("4g-driving"));
    world
        .run(&["trace", "synth", "--like", "5g-flying"])
        .fails(2, &["5g-flying", "wharf trace models"]);

    // Four packets a second: named relative to the project file, wherever `up` runs.
    world.write("traces/slow", "250\n");
    world.file(&format!("{ECHO}[link.\"a -> b\"]\nup.trace = \"traces/slow\"\n"));
    let mut up = world.command(&["up", "-d", "../wharf.toml"]);
    up.current_dir(world.project().join("traces"));
    world.finish(up).ok();
    assert_eq!(link(&world, "a -> b")["up"]["trace"], "traces/slow");
    let mut stream = connect(&world);
    let begun = Instant::now();
    for _ in 0..5 {
        round_trip(&mut stream).expect("an echo");
    }
    // Between the first and the fifth there are four chances to leave, a quarter of a second apart.
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(1000), "{took:?}");
    drop(stream);
    world
        .run(&["set", "a -> b", "--trace", "traces/none"])
        .fails(2, &["set a -> b", "traces/none"]);
    world.run(&["set", "a -> b", "--trace", "t once", "--up"]).ok();
    assert_eq!(link(&world, "a -> b")["up"]["trace"], "t once");
    world.run(&["down"]).ok();
}

#[test]
fn a_trace_that_cannot_be_used_is_said_before_anything_runs() {
    for (text, said) in [
        (None, &["conditions of a -> b", "trace", "No such file"][..]),
        (Some("12\n7\n"), &["conditions of a -> b", "trace", "line 2"][..]),
        (
            Some("1.5\n"),
            &["conditions of a -> b", "trace", "line 1", "round it"][..],
        ),
        (
            Some(""),
            &["conditions of a -> b", "trace", "no opportunity to send"][..],
        ),
    ] {
        let world = World::new();
        if let Some(text) = text {
            world.write("t", text);
        }
        world.file(&format!("{ECHO}[link.\"a -> b\"]\ntrace = \"t\"\n"));
        world.run(&["up", "-d"]).fails(2, said);
        world.run(&["up"]).fails(2, said);
        world.await_empty();
        world.run(&["ps"]).fails(3, &[]);
    }
}
