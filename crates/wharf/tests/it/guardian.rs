//! Whatever is killed, nothing of a stack stays behind.

use std::fs;

use rustix::process::Signal;
use wharf_stack::rundir::ProcessMark;

use crate::running::Running;
use crate::world::{World, eventually, kill};

/// A service that does what it can to be left behind: it forks twice, each time into a
/// session of its own, and ignores SIGTERM.
const ESCAPING: &str = r#"
[service.escape]
run = "sh -c 'setsid sh -c \"trap : TERM; echo \\$\\$ > first; setsid sh -c \\\"trap : TERM; echo \\\\\\$\\\\\\$ > second; while :; do sleep 1; done\\\" & while :; do sleep 1; done\" & exec PEER hello'"
stop_grace = "100ms"
"#;

fn escaped(world: &World) -> [u32; 2] {
    let read = |name: &str| {
        let mut pid = None;
        eventually("the escaped process is there", || {
            let text = fs::read_to_string(world.project().join(name)).unwrap_or_default();
            pid = text.trim().parse().ok();
            pid.is_some()
        });
        pid.expect("just seen")
    };
    let pids = [read("first"), read("second")];
    for pid in pids {
        assert!(world.processes().contains(&pid), "{pid} runs");
    }
    pids
}

pub(crate) fn guardian_of(up: &Running) -> u32 {
    let children = format!("/proc/{0}/task/{0}/children", up.pid());
    let children = fs::read_to_string(children).expect("readable");
    let is_guardian = |pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains("__guardian"))
    };
    children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .find(is_guardian)
        .expect("a guardian")
}

#[test]
fn an_orderly_stop_takes_everything_along() {
    let world = World::new();
    world.file(ESCAPING);
    let up = world.up();
    escaped(&world);
    assert_eq!(up.stop().code, 0);
    world.await_empty();
}

#[test]
fn wharf_is_killed() {
    let world = World::new();
    world.file(ESCAPING);
    let mut up = world.up();
    escaped(&world);
    kill(up.pid(), Signal::KILL);
    up.wait();
    world.await_empty();
}

#[test]
fn the_guardian_is_killed() {
    let world = World::new();
    world.file(ESCAPING);
    let mut up = world.up();
    escaped(&world);
    kill(guardian_of(&up), Signal::KILL);
    let ran = up.wait();
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("the guardian process was killed"), "{}", ran.err);
    world.await_empty();
}

#[test]
fn both_are_killed_and_the_next_wharf_sweeps() {
    let world = World::new();
    world.file(ESCAPING);
    let mut up = world.up();
    escaped(&world);
    let guardian = guardian_of(&up);
    let mark = ProcessMark::of(guardian).expect("it runs");
    // Stopped first, so that neither sees the other's end.
    kill(guardian, Signal::STOP);
    kill(up.pid(), Signal::STOP);
    kill(guardian, Signal::KILL);
    kill(up.pid(), Signal::KILL);
    up.wait();
    // While the guardian dies it counts as one that is about to end its services.
    eventually("the guardian is gone", || !mark.is_alive());
    world.run(&["ps"]).fails(3, &["not running"]);
    world.await_empty();
    let again = world.up();
    assert_eq!(again.stop().code, 0);
}

#[test]
fn both_are_killed_and_a_new_up_follows_at_once() {
    let world = World::new();
    world.file(ESCAPING);
    let mut up = world.up();
    let before = escaped(&world);
    kill(guardian_of(&up), Signal::KILL);
    kill(up.pid(), Signal::KILL);
    up.wait();
    // Not one of the old may be left when the new one serves.
    let again = world.up();
    let left = world.processes();
    assert!(
        before.iter().all(|pid| !left.contains(pid)),
        "{before:?} in {left:?}"
    );
    assert_eq!(again.stop().code, 0);
}

#[test]
fn what_a_service_leaves_when_it_dies_goes_with_it() {
    let world = World::new();
    world.file(&ESCAPING.replace("stop_grace", "restart = \"never\"\nstop_grace"));
    let up = world.up();
    let [first, second] = escaped(&world);
    let pid = world.service("escape")["pid"].as_u64().expect("a pid");
    kill(u32::try_from(pid).expect("a pid"), Signal::KILL);
    eventually("they are gone", || {
        let left = world.processes();
        !left.contains(&first) && !left.contains(&second)
    });
    up.stop();
}
