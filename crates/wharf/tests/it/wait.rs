//! `wharf wait`: scripts that wait for a server, an answer, a free port.

use std::net::{TcpListener, TcpStream};
use std::process::Command;

use crate::server::{Beside, await_listener, free_port, loopback};
use crate::world::{World, peer};

#[test]
fn it_waits_until_somebody_listens() {
    let world = World::new();
    let port = free_port();
    let mut command = Command::new(peer());
    command
        .arg("late")
        .env("PORT", port.to_string())
        .current_dir(world.project());
    let _server = Beside::start(&world, command);
    let target = format!("localhost:{port}");
    world
        .run(&["wait", &target, "--timeout", "1s"])
        .fails(1, &["nobody listened", "within 1s", "wharf explain"]);
    let mut waiting = world.start(&["wait", &target]);
    world.write("go", "");
    let ran = waiting.wait();
    assert_eq!(
        (ran.code, ran.out.trim()),
        (0, format!("127.0.0.1:{port}").as_str())
    );
}

#[test]
fn a_listener_on_the_other_family_is_named() {
    let world = World::new();
    let port = free_port();
    let _server = Beside::peer(&world, "six", port);
    let target = format!("127.0.0.1:{port}");
    world
        .run(&["wait", &target, "--timeout", "100ms"])
        .fails(1, &[&format!("somebody listens at [::1]:{port} instead")]);
}

#[test]
fn an_answer_is_more_than_a_listener() {
    let world = World::new();
    let port = free_port();
    // It listens and never answers in HTTP.
    let silent = Beside::peer(&world, "sink", port);
    let url = format!("http://127.0.0.1:{port}/health");
    world.run(&["wait", &url]).ok();
    world
        .run(&["wait", &url, "--until", "answer", "--timeout", "300ms"])
        .fails(1, &["not within 300ms"]);
    drop(silent);
    world
        .run(&["wait", &url, "--until", "answer", "--timeout", "100ms"])
        .fails(1, &["refused"]);
    let _server = Beside::peer(&world, "hello", port);
    let said = world.run(&["wait", &url, "--until", "answer"]).ok();
    assert_eq!(said, format!("127.0.0.1:{port} 200"));
}

#[test]
fn a_port_is_free_once_nobody_holds_it() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let target = port.to_string();
    world
        .run(&["wait", &target, "--until", "free", "--timeout", "100ms"])
        .fails(1, &["somebody still listens at 127.0.0.1"]);
    drop(listener);
    assert_eq!(world.run(&["wait", &target, "--until", "free"]).ok(), "free");
}

#[test]
fn a_service_is_waited_for_by_its_name() {
    let world = World::new();
    world
        .run(&["wait", "web", "--timeout", "50ms"])
        .fails(1, &["web leads to no address"]);
    world.file("[service.web]\nrun = \"PEER hello\"\n");
    let up = world.up();
    let address = world.run(&["wait", "web"]).ok();
    TcpStream::connect(&address).expect("it is there");
    up.stop();
}

#[test]
fn what_cannot_be_waited_for_is_said() {
    let world = World::new();
    world
        .run(&["wait", "pid:1"])
        .fails(2, &["a process is no address"]);
    world.run(&["wait", "70000"]).fails(2, &["65535", "pid:70000"]);
    world
        .run(&["wait", "3000", "--timeout", "soon"])
        .fails(2, &["soon"]);
    world
        .run(&["wait", "192.0.2.1:80", "--timeout", "50ms"])
        .fails(2, &["another machine", "--until answer"]);
    let port = free_port();
    let _listener = TcpListener::bind(loopback(port)).expect("bound");
    await_listener(port);
}
