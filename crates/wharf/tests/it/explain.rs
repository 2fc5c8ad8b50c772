//! `wharf explain`, `wharf ls` and `wharf` alone, as people use them.

use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::server::{Beside, free_port};
use crate::world::{Ran, World};

#[test]
fn one_screen_says_who_is_there_and_why() {
    let world = World::new();
    world.write(".git/HEAD", "ref: refs/heads/try-it\n");
    let port = free_port();
    let server = Beside::peer(&world, "hello", port);
    let ran = world.run(&["explain", &format!("http://localhost:{port}/")]);
    for text in [
        format!("peer (pid {})", server.pid()),
        "127.0.0.1".to_owned(),
        "try-it".to_owned(),
        world.project().display().to_string(),
        "http".to_owned(),
        "localhost".to_owned(),
    ] {
        assert!(ran.out.contains(&text), "{text:?} is not in:\n{}", ran.out);
    }
    assert!(ran.out.lines().count() <= 40, "it is one screen:\n{}", ran.out);
    let widest = ran.out.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(110), "{}", ran.out);
}

#[test]
fn the_exit_code_says_what_was_found() {
    let world = World::new();
    let port = free_port();
    let nothing = world.run(&["explain", &port.to_string(), "--short"]);
    assert_eq!(nothing.code, 11, "{}", nothing.out);
    assert_eq!(nothing.out.lines().count(), 1, "{}", nothing.out);
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let other = listener.local_addr().expect("an address").port();
    let both = world.run(&[
        "explain",
        &other.to_string(),
        &port.to_string(),
        "--short",
        "--no-probe",
    ]);
    assert_eq!(both.code, 11, "the worst counts: {}", both.out);
    assert_eq!(both.out.lines().count(), 2, "{}", both.out);
    world.run(&["explain", "70000"]).fails(2, &["65535"]);
    world.run(&["explain"]).fails(2, &["TARGET"]);
}

#[test]
fn a_probe_adds_what_is_spoken_and_is_left_out_when_unwanted() {
    let world = World::new();
    let port = free_port();
    let _server = Beside::peer(&world, "hello", port);
    let speaks = |ran: Ran| -> Value {
        let explained: Value = serde_json::from_str(&ran.out).expect("JSON");
        explained[0]["listeners"][0]["speaks"].clone()
    };
    let target = port.to_string();
    let asked = speaks(world.run(&["explain", &target, "--json"]));
    assert_eq!(asked["protocol"], "http", "{asked}");
    assert_eq!(
        asked["known-by"].as_str().or(asked["known_by"].as_str()),
        Some("probe"),
        "{asked}"
    );
    let unasked = speaks(world.run(&["explain", &target, "--json", "--no-probe"]));
    assert_ne!(unasked["known_by"], "probe", "{unasked}");
}

#[test]
fn the_rules_are_listed() {
    let world = World::new();
    let rules = world.run(&["explain", "--rules", "--json"]).ok();
    let rules: Value = serde_json::from_str(&rules).expect("JSON");
    let ids: Vec<&str> = rules
        .as_array()
        .expect("rules")
        .iter()
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    assert!(ids.len() >= 59, "{ids:?}");
    let told = world.run(&["explain", "--rules"]).ok();
    for id in ids {
        assert!(told.contains(id), "{id} is not in:\n{told}");
    }
}

#[test]
fn the_map_groups_by_project() {
    let world = World::new();
    world.write(".git/HEAD", "ref: refs/heads/try-it\n");
    let port = free_port();
    let server = Beside::peer(&world, "hello", port);
    for arguments in [&[][..], &["ls"]] {
        let map = world.run(arguments).ok();
        let row = map
            .lines()
            .find(|line| line.contains(&port.to_string()))
            .unwrap_or_else(|| panic!("{port} is not in:\n{map}"));
        assert!(row.contains(&format!("peer {}", server.pid())), "{row}");
        assert!(map.contains("p on try-it"), "{map}");
        assert!(map.lines().all(|line| line.chars().count() <= 80), "{map}");
    }
    let bare = world.run(&[]).ok();
    assert!(
        bare.lines()
            .last()
            .is_some_and(|last| last.contains("wharf --help")),
        "{bare}"
    );
    let asked = world.run(&["ls", "--probe", "--json"]).ok();
    let asked: Value = serde_json::from_str(&asked).expect("JSON");
    let rows = asked.as_array().expect("rows");
    let row = rows.iter().find(|row| row["port"] == port).expect("the row");
    assert!(
        row["url"]
            .as_str()
            .is_some_and(|url| url.contains(&port.to_string())),
        "{row}"
    );
}

#[test]
fn udp_is_shown_when_wanted() {
    let world = World::new();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
    let port = format!("udp {}", socket.local_addr().expect("an address").port());
    assert!(!world.run(&["ls"]).out.contains(&port));
    assert!(world.run(&["ls", "--udp"]).ok().contains(&port));
}

#[test]
fn a_watch_needs_a_terminal_and_leaves_it_as_it_was() {
    let world = World::new();
    world.run(&["ls", "--watch"]).fails(2, &["no terminal"]);
    let wharf = crate::world::wharf().display().to_string();
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "(sleep 1; printf q) | script -qec \"stty rows 24 cols 100; $0 ls --watch\" /dev/null",
        &wharf,
    ]);
    command
        .envs(world.environment())
        .env("TERM", "xterm")
        .current_dir(world.project());
    let ran = world.finish(command);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains("q quits"), "{}", ran.out);
    let (entered, left) = (ran.out.find("\x1b[?1049h"), ran.out.rfind("\x1b[?1049l"));
    assert!(
        entered.is_some() && entered < left,
        "the screen was not given back: {:?}",
        ran.out
    );
}

#[test]
fn a_commands_failure_is_explained_and_its_exit_code_kept() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let taken = listener.local_addr().expect("an address").port().to_string();
    let ran = world.run(&[
        "explain",
        "--",
        "python3",
        "-m",
        "http.server",
        &taken,
        "--bind",
        "127.0.0.1",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("Address already in use"),
        "its own words come through: {}",
        ran.err
    );
    let pid = format!("(pid {})", std::process::id());
    assert!(
        ran.err.contains("in-use") && ran.err.contains(&pid),
        "{}",
        ran.err
    );
    let free = free_port();
    let url = format!("http://127.0.0.1:{free}/");
    let ran = world.run(&["explain", "--", "curl", "-sS", &url]);
    assert_eq!(ran.code, 7, "{}", ran.err);
    assert!(ran.err.contains("nothing-listens"), "{}", ran.err);
}

#[test]
fn what_fails_for_another_reason_is_passed_through() {
    let world = World::new();
    let run = |script: &str| world.run(&["explain", "--", "sh", "-c", script]);
    let fine = run("echo out; echo err >&2");
    assert_eq!(
        (fine.code, fine.out.as_str(), fine.err.as_str()),
        (0, "out\n", "err\n")
    );
    let failed = run("echo nothing of the kind >&2; exit 7");
    assert_eq!((failed.code, failed.err.as_str()), (7, "nothing of the kind\n"));
    assert_eq!(run("kill -TERM $$").code, 143);
    // What it leaves behind may keep its output open: that is not waited for.
    let left = run("sleep 5 & exit 3");
    assert_eq!(left.code, 3);
    world.await_empty();
    world
        .run(&["explain", "--", "no-such-command-here"])
        .fails(1, &["run no-such-command-here"]);
}
