//! `wharf toxiproxy`: as toxiproxy-server's users start it, and as their clients meet it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::running::Running;
use crate::world::{World, skip};

/// Starts a server on a port of its own. Its URL, as a client is told it.
fn start(world: &World, arguments: &[&str]) -> (Running, String) {
    let mut all = vec!["toxiproxy", "-port=0"];
    all.extend(arguments);
    let running = world.start(&all);
    running.await_line("Toxiproxy's API at ");
    let said = running.said();
    let (_, rest) = said.split_once("API at ").expect("where it is");
    let url = rest.split([' ', ',']).next().expect("a URL").to_owned();
    (running, url)
}

fn port_of(url: &str) -> u16 {
    let port = url.rsplit(':').next().expect("a port");
    port.parse().expect("a number")
}

fn ask(url: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port_of(url))).expect("it listens");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("it can be sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    answer
}

#[test]
fn a_server_starts_as_its_users_start_it_and_is_listed_with_the_stacks() {
    let world = World::new();
    let proxies = r#"[{"name":"redis","listen":"127.0.0.1:0","upstream":"127.0.0.1:1"}]"#;
    world.write("proxies.json", proxies);
    // Go's flags have one dash or two.
    let (server, url) = start(
        &world,
        &["-config", "proxies.json", "--seed", "-5", "-proxy-metrics"],
    );
    assert!(server.said().contains("seed -5"), "{}", server.said());
    assert!(ask(&url, "GET", "/version", "").ends_with("{\"version\": \"2.12.0\"}\n"));
    assert!(ask(&url, "GET", "/metrics", "").contains("proxy=\"redis\""));

    let stack = format!("toxiproxy-{}", port_of(&url));
    let links = world.run(&["links", "--json", "--stack", &stack]).ok();
    assert!(links.contains(&format!("{stack} -> redis")), "{links}");
    world.run(&["ps", "--all"]).ok();
    let toxic = r#"{"type":"latency","attributes":{"latency":150}}"#;
    ask(&url, "POST", "/proxies/redis/toxics", toxic);
    let links = world.run(&["links", "--stack", &stack]).ok();
    assert!(links.contains("down 150ms"), "{links}");
    let link = format!("{stack} -> redis");
    let set = world.run(&["set", &link, "--latency", "5ms", "--stack", &stack]);
    set.fails(2, &["are changed by Toxiproxy's API", "hint:"]);
    let on_the_stack = |command: &str, link: &str| world.run(&[command, link, "--stack", &stack]);
    on_the_stack("cut", &link).ok();
    let links = world.run(&["links", "--json", "--stack", &stack]).ok();
    assert!(links.contains("\"manner\": \"hole\""), "{links}");
    on_the_stack("heal", &link).ok();
    on_the_stack("cut", "a -> b").fails(2, &["there is no link `a -> b`"]);
    world.run(&["down", "--stack", &stack]).ok();
    let mut server = server;
    assert_eq!(server.wait().code, 0);
    TcpListener::bind(("127.0.0.1", port_of(&url))).expect("its port is free");
    world
        .run(&["links", "--stack", &stack])
        .fails(3, &["is not running"]);
}

#[test]
fn what_is_wrong_is_told_and_nothing_starts() {
    let world = World::new();
    world.write("bad.json", "[{\"name\":\"p\"}]");
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("an address").port().to_string();
    for (arguments, code, texts) in [
        (
            vec!["--config", "none.json"],
            2,
            ["read none.json", "o such file"],
        ),
        (
            vec!["--config", "bad.json", "--port", "0"],
            2,
            ["config file", "missing required field: upstream at proxy 1"],
        ),
        (
            vec!["--port", &taken],
            4,
            ["bind: address already in use", "hint: "],
        ),
        (
            vec!["--host", "192.0.2.1"],
            2,
            ["listen tcp 192.0.2.1:8474: not on loopback", "--allow-wildcard"],
        ),
    ] {
        let mut all = vec!["toxiproxy"];
        all.extend(arguments);
        world.run(&all).fails(code, &texts);
    }
    drop(holder);
    let mut command = world.command(&["toxiproxy", "--port", "0"]);
    command.env("LOG_LEVEL", "loud");
    world
        .finish(command)
        .fails(2, &["read LOG_LEVEL: there is no log level `loud`"]);
}

/// The official client for Node, as its own tests use it. Its `fetch` sends `Sec-Fetch-Mode`.
#[test]
fn the_node_client_runs_unchanged() {
    const NAME: &str = "the_node_client_runs_unchanged";
    let world = World::new();
    let installed = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .args(["--fetch-retries=0", "--fetch-timeout=30000"])
        .arg("toxiproxy-node-client@4.1.0")
        .current_dir(world.project())
        .stdin(Stdio::null())
        .output();
    match installed {
        Ok(output) if output.status.success() => {}
        Ok(_) => return skip(NAME, "npm cannot install toxiproxy-node-client"),
        Err(_) => return skip(NAME, "there is no npm"),
    }
    world.write("test.cjs", include_str!("toxiproxy.cjs"));
    let (server, url) = start(&world, &[]);
    let mut node = Command::new("node");
    node.arg("test.cjs")
        .env("TOXIPROXY_URL", url.replace("127.0.0.1", "localhost"))
        .current_dir(world.project())
        .stdin(Stdio::null());
    let ran = world.finish(node);
    assert_eq!(ran.ok(), "ok");
    assert_eq!(server.stop().code, 0);
}
