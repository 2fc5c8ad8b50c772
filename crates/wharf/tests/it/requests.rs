//! What was asked and answered on links, without secrets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::http::get;
use crate::world::{PATIENCE, World, eventually, skip};

const SECRET: &str = "hunter2-is-the-password";

fn ask_with_secret(address: &str) {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    write!(
        stream,
        "GET /orders?id=7 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {SECRET}\r\nX-Trace: seen\r\n\r\n"
    )
    .expect("written");
    assert!(stream.read(&mut [0; 256]).expect("an answer") > 0);
}

#[test]
fn requests_over_links_and_the_door_are_shown_without_secrets() {
    let world = World::new();
    world.file("[service.a]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n[service.b]\nrun = \"PEER hello\"\n[service.c]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n[link.\"c -> b\"]\nobserve = \"off\"\n");
    world.run(&["up", "-d"]).ok();
    ask_with_secret(&world.variable("a", "B_ADDR"));
    eventually("it is seen", || {
        world.run(&["requests"]).ok().contains("GET /orders?id=7")
    });
    let shown = world.run(&["requests", "a -> b"]).ok();
    assert!(shown.contains("a -> b") && shown.contains("200"), "{shown}");
    let json = world.run(&["requests", "--json"]).ok();
    let line: serde_json::Value = serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    assert_eq!(line["link"], "a -> b");
    assert_eq!(line["verb"], "GET");
    assert_eq!(line["status"]["code"], 200);
    assert!(json.contains("X-Trace") || json.contains("x-trace"), "{json}");
    assert!(!json.contains(SECRET) && !shown.contains(SECRET), "{json}");

    // Through the door, which is a link too.
    let door = format!("127.0.0.1:{}", world.door());
    let host = format!("a.p.localhost:{}", world.door());
    let (status, _) = get(&door, &host, "/through-the-door").expect("an answer");
    assert!(status.contains("200"), "{status}");
    eventually("it is seen", || {
        let shown = world.run(&["requests", "door -> a"]).ok();
        shown.contains("GET /through-the-door")
    });

    let follow = world.start(&["requests", "--follow", "-n", "0"]);
    let unseen = world.variable("c", "B_ADDR");
    get(&unseen, &unseen, "/not-looked-at").expect("an answer");
    let address = world.variable("a", "B_ADDR");
    // The first may come before it has begun to follow.
    eventually("it is followed", || {
        get(&address, &address, "/later").expect("an answer");
        follow.said().contains("GET /later")
    });
    assert!(!follow.said().contains("/orders"), "{}", follow.said());
    assert!(!world.run(&["requests"]).ok().contains("/not-looked-at"));
    follow.stop();
    world.run(&["down"]).ok();
}

#[test]
fn commands_of_redis_are_shown() {
    let installed = Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        skip("commands_of_redis_are_shown", "redis-server is not installed");
        return;
    }
    let world = World::new();
    world.file("[service.a]\nrun = \"PEER hello\"\nneeds = [\"store\"]\n[service.store]\nrun = \"redis-server --port {port} --bind 127.0.0.1 --save '' --appendonly no\"\n");
    world.run(&["up", "-d"]).ok();
    assert!(world.variable("a", "STORE_URL").starts_with("redis://"));
    let mut stream = TcpStream::connect(world.variable("a", "STORE_ADDR")).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut answers = BufReader::new(stream.try_clone().expect("cloned"));
    let mut say = |command: &str, answer: &str| {
        stream.write_all(command.as_bytes()).expect("written");
        let mut line = String::new();
        answers.read_line(&mut line).expect("an answer");
        assert!(line.starts_with(answer), "{line}");
    };
    say("*3\r\n$3\r\nSET\r\n$8\r\ngreeting\r\n$5\r\nhello\r\n", "+OK\r\n");
    say("*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n", "-ERR");
    say(
        "*2\r\n$4\r\nINCR\r\n$8\r\ngreeting\r\n",
        "-ERR value is not an integer",
    );
    eventually("they are seen", || {
        let shown = world.run(&["requests", "a -> store"]).ok();
        shown.contains("SET greeting") && shown.contains("INCR greeting") && shown.contains("not an integer")
    });
    let shown = world.run(&["requests"]).ok();
    assert!(shown.contains("AUTH") && !shown.contains("hunter2"), "{shown}");
    drop(stream);
    world.run(&["down"]).ok();
}
