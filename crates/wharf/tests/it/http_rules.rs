//! What happens to HTTP requests: by the project file, and live.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use wharf_link::Seed;

use crate::http::get;
use crate::world::{World, is_root, skip};

const HELLO: &str = "[service.a]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n[service.b]\nrun = \"PEER hello\"\n";

fn statuses(world: &World, path: &str, count: usize) -> Vec<u16> {
    let address = world.variable("a", "B_ADDR");
    let one = |_| {
        let (status, _) = get(&address, &address, path).expect("an answer");
        status
            .split(' ')
            .nth(1)
            .expect("a code")
            .parse()
            .expect("a number")
    };
    (0..count).map(one).collect()
}

/// What a rule of 30 % does by this seed: the draws that `wharf_http::rules` documents.
fn drawn(seed: u64, count: usize) -> Vec<u16> {
    let rule = Seed(seed).derive("a -> b").derive("http").derive("rule 0");
    let draw = |number: usize| (u128::from(rule.derive(&number.to_string()).0) * 1_000_000_000) >> 64;
    (0..count)
        .map(|number| if draw(number) < 300_000_000 { 503 } else { 200 })
        .collect()
}

#[test]
fn rules_of_the_file_hit_just_whom_the_seed_says() {
    const COUNT: usize = 40;
    let rule = "[[link.\"a -> b\".http]]\npath = \"/pay\"\nstatus = 503\nprobability = \"30%\"\n";
    for seed in [7, 8] {
        let world = World::new();
        world.file(&format!("seed = {seed}\n{HELLO}{rule}"));
        let up = world.up();
        let seen = statuses(&world, "/pay", COUNT);
        assert_eq!(seen, drawn(seed, COUNT), "seed {seed}");
        assert!(seen.contains(&503) && seen.contains(&200));
        // Requests that are none of the rule's business do not move its draws.
        assert_eq!(statuses(&world, "/other", 5), [200; 5]);
        assert_eq!(statuses(&world, "/pay", 5), drawn(seed, COUNT + 5)[COUNT..]);
        assert!(up.said().contains(&format!("; seed {seed}")), "{}", up.said());
        assert_eq!(world.status()["seed"], seed);
        assert_eq!(up.stop().code, 0);
    }
    assert_ne!(drawn(7, COUNT), drawn(8, COUNT));
}

#[test]
fn rules_come_and_go_while_the_stack_runs() {
    let world = World::new();
    world.file(HELLO);
    world.run(&["up", "-d"]).ok();
    assert_eq!(statuses(&world, "/pay", 1), [200]);
    let said = world
        .run(&[
            "http",
            "a -> b",
            "path=/pay status=503 'body=try later'",
            "path=/gone status=410",
        ])
        .ok();
    assert_eq!(said, "a -> b: 2 HTTP rules");
    let address = world.variable("a", "B_ADDR");
    let (status, body) = get(&address, &address, "/pay").expect("an answer");
    assert!(status.contains("503") && body == "try later", "{status} {body}");
    assert_eq!(statuses(&world, "/gone", 1), [410]);
    assert_eq!(statuses(&world, "/", 1), [200]);
    let shown = world.run(&["http", "a -> b"]).ok();
    assert!(shown.contains("/pay") && shown.contains("410"), "{shown}");
    let wrong = world.run(&["http", "a -> b", "path=/pay statu=503"]);
    wrong.fails(2, &["statu"]);
    assert_eq!(
        world.run(&["http", "a -> b", "--clear"]).ok(),
        "a -> b: no HTTP rules"
    );
    assert_eq!(statuses(&world, "/pay", 1), [200]);
    assert_eq!(world.run(&["http", "a -> b"]).ok(), "a -> b: no HTTP rules");
    world
        .run(&["http", "a -> c"])
        .fails(2, &["there is no link `a -> c`"]);
    world.run(&["down"]).ok();
}

/// A file that is applied again says what is new in it, and no more.
#[test]
fn a_change_elsewhere_in_the_file_leaves_rules_alone() {
    const COUNT: usize = 20;
    let file = |latency: &str, status: u16| {
        format!(
            "seed = 7\n{HELLO}[link.\"a -> b\"]\nlatency = \"{latency}\"\n\
             [[link.\"a -> b\".http]]\npath = \"/pay\"\nstatus = {status}\nprobability = \"30%\"\n"
        )
    };
    let world = World::new();
    world.file(&file("0ms", 503));
    world.run(&["up", "-d"]).ok();
    let again = |latency, status| {
        world.file(&file(latency, status));
        world.run(&["up", "-d"]).ok();
    };
    let mut seen = statuses(&world, "/pay", COUNT);
    again("1ms", 503);
    seen.extend(statuses(&world, "/pay", COUNT));
    assert_eq!(seen, drawn(7, 2 * COUNT), "the draws go on");
    world.run(&["http", "a -> b", "path=/pay status=418"]).ok();
    again("2ms", 503);
    assert_eq!(statuses(&world, "/pay", 1), [418], "what was said by hand stays");
    again("2ms", 500);
    let seen = statuses(&world, "/pay", COUNT);
    assert!(!seen.contains(&418) && seen.contains(&500), "{seen:?}");
    world.run(&["down"]).ok();
}

/// What a client of this user gets that speaks to a port itself.
fn heard(address: SocketAddr, user: Option<u32>) -> String {
    let script = format!(
        "exec 3<>/dev/tcp/{}/{} && printf 'GET /pay HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3 && cat <&3",
        address.ip(),
        address.port()
    );
    let mut command = Command::new("bash");
    command
        .args(["-c", &script])
        .stdin(Stdio::null())
        .current_dir("/");
    if let Some(user) = user {
        command.uid(user);
    }
    let output = command.output().expect("bash runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Behind a link with rules is a stage, on a port of its own, which no other user may use: the rules, the
/// provider and TLS begun in this user's name are behind it.
#[test]
fn the_stage_of_a_link_serves_nobody_elses_processes() {
    const NOBODY: u32 = 65_534;
    let world = World::new();
    world.file(&format!(
        "{HELLO}[[link.\"a -> b\".http]]\npath = \"/pay\"\nstatus = 503\n"
    ));
    world.run(&["up", "-d"]).ok();
    assert_eq!(statuses(&world, "/pay", 1), [503]);
    let status = world.status();
    let known = status.to_string();
    let pid = format!("pid {}", status["pid"]);
    let mut listeners = wharf_host::sockets::listeners().expect("listeners");
    listeners
        .retain(|socket| !known.contains(&socket.local.to_string()) && socket.local.port() != world.door());
    let owners = wharf_host::owner::of_each(&listeners).expect("owners");
    let stages: Vec<SocketAddr> = listeners
        .iter()
        .zip(owners)
        .filter(|(_, owner)| owner.to_string().contains(&pid))
        .map(|(socket, _)| socket.local)
        .collect();
    let stage = stages
        .into_iter()
        .find(|address| heard(*address, None).starts_with("HTTP/1.1 503"))
        .expect("a stage of the stack listens, and serves its own user");
    if is_root() {
        assert_eq!(heard(stage, Some(NOBODY)), "");
    } else {
        skip(
            "the_stage_of_a_link_serves_nobody_elses_processes",
            "only root can be another user",
        );
    }
    world.run(&["down"]).ok();
}
