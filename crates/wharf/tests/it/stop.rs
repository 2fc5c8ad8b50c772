//! `wharf stop`: the way it wants to be stopped, and never more than was meant.

use std::net::{TcpListener, TcpStream};
use std::process::Command;

use crate::server::{Beside, await_listener, free_port, loopback};
use crate::world::{World, eventually, peer};

#[test]
fn a_server_is_asked_to_end_and_its_client_is_left_alone() {
    let world = World::new();
    let port = free_port();
    let mut server = Beside::peer(&world, "hello", port);
    // This very test is a client of it.
    let _connection = TcpStream::connect(loopback(port)).expect("connected");
    let target = port.to_string();
    let said = world.run(&["stop", &target, "--dry-run"]).ok();
    assert_eq!(said, format!("would send SIGTERM to peer (pid {})", server.pid()));
    assert!(server.runs(), "a dry run does nothing");
    let said = world.run(&["stop", &target]).ok();
    assert_eq!(said, format!("send SIGTERM to peer (pid {})", server.pid()));
    server.await_end();
    world.run(&["stop", &target]).fails(11, &["nobody listens"]);
}

#[test]
fn what_ignores_sigterm_is_killed_only_after_a_yes() {
    let world = World::new();
    let port = free_port();
    let mut server = deaf(&world, port);
    let target = format!("127.0.0.1:{port}");
    world
        .run(&["stop", &target, "--timeout", "300ms"])
        .fails(1, &["still runs 300ms after SIGTERM", "--yes"]);
    assert!(server.runs(), "without a terminal nobody is killed");
    world.run(&["stop", &target, "--timeout", "300ms", "--yes"]).ok();
    server.await_end();
}

#[test]
fn on_a_terminal_one_is_asked_before_sigkill() {
    let world = World::new();
    let port = free_port();
    let mut server = deaf(&world, port);
    for (answer, ends) in [("n", false), ("y", true)] {
        let wharf = crate::world::wharf().display().to_string();
        let mut command = Command::new("sh");
        // script(1) gives it a terminal.
        command.args([
            "-c",
            "(sleep 1; echo \"$2\") | script -qec \"$0 stop $1 --timeout 300ms\" /dev/null",
        ]);
        command.args([&wharf, &port.to_string(), answer]);
        command.envs(world.environment()).current_dir(world.project());
        let ran = world.finish(command);
        assert!(ran.out.contains("Kill it (SIGKILL)? [y/N]"), "{}", ran.out);
        match ends {
            true => server.await_end(),
            false => assert!(server.runs(), "n is no: {}", ran.out),
        }
    }
}

#[test]
fn what_stands_still_is_stopped_too() {
    let world = World::new();
    let port = free_port();
    let mut server = Beside::peer(&world, "hello", port);
    server.signal(rustix::process::Signal::STOP);
    world.run(&["stop", &port.to_string()]).ok();
    server.await_end();
}

/// A server that ignores SIGTERM.
fn deaf(world: &World, port: u16) -> Beside {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; exec \"$0\" hello", &peer()]);
    command.env("PORT", port.to_string());
    let server = Beside::start(world, command);
    await_listener(port);
    server
}

#[test]
fn what_this_command_runs_within_is_not_stopped_unasked() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    // The test is the ancestor of the command: were it stopped, nobody would say so.
    world
        .run(&["stop", &port.to_string()])
        .fails(1, &["this command runs within it", "--yes"]);
}

#[test]
fn the_first_process_is_never_stopped() {
    let world = World::new();
    let ran = world.run(&["stop", "pid:1", "--yes"]);
    ran.fails(1, &["stop pid 1: it is the first process"]);
}

#[test]
fn a_service_is_stopped_by_its_stack() {
    let world = World::new();
    world
        .file("[service.web]\nrun = \"PEER hello\"\nneeds = [\"api\"]\n[service.api]\nrun = \"PEER echo\"\n");
    let up = world.up();
    let listens = world.service("web")["listens"][0]
        .as_str()
        .expect("an address")
        .to_owned();
    let said = world.run(&["stop", &listens]).ok();
    assert_eq!(said, "stop the service web of the stack p");
    eventually("it is stopped", || world.service("web")["phase"] == "stopped");
    assert_eq!(world.service("api")["phase"], "ready", "the rest goes on");
    world.run(&["restart", "web"]).ok();
    eventually("it is back", || world.service("web")["phase"] == "ready");
    assert_eq!(
        world.run(&["stop", "web"]).ok(),
        "stop the service web of the stack p"
    );
    eventually("it is stopped", || world.service("web")["phase"] == "stopped");
    up.stop();
    world.await_empty();
}

#[test]
fn another_machine_is_only_planned_for() {
    let world = World::new();
    let port = free_port();
    let mut server = Beside::peer(&world, "hello", port);
    let snapshot = world.run(&["snapshot"]).ok();
    world.write("machine.json", &snapshot);
    let target = port.to_string();
    let said = world
        .run(&["stop", &target, "--dry-run", "--snapshot", "machine.json"])
        .ok();
    assert!(said.contains(&format!("pid {}", server.pid())), "{said}");
    world
        .run(&["stop", &target, "--snapshot", "machine.json"])
        .fails(2, &["--dry-run"]);
    assert!(server.runs());
}
