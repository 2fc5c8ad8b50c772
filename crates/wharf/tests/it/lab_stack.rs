//! `wharf up --lab`: each service in a network of its own, real packets between them, and nothing left.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::echo::link;
use crate::guardian::guardian_of;
use crate::http::get;
use crate::running::Running;
use crate::world::{World, built, eventually, kill, skip};

/// A shop: the first service listens on its loopback alone, whatever it is told.
const SHOP: &str = r#"
name = "shop"
[service.web]
run = "env HOST=127.0.0.1 PEER hello"
needs = ["api"]
[service.api]
run = "PEER hello"
needs = ["store"]
[service.store]
run = "env HOST=127.0.0.1 PEER echo"
protocol = "redis"
[link."web -> api"]
latency = "20ms"
"#;

fn shop(text: &str) -> World {
    let world = World::new();
    world.file(text);
    world
}

/// Until everything is up.
fn up(world: &World) -> Running {
    let running = world.start(&["up", "--lab"]);
    running.await_line("up in ");
    running
}

/// The shortest round trip of some pings where a service is, in milliseconds; none if none came back.
fn ping(world: &World, from: &str, options: &[&str], to: &str) -> Option<f64> {
    let mut words = vec!["lab", "exec", from, "--", "ping", "-4", "-q"];
    words.extend(options);
    words.push(to);
    let ran = world.run(&words);
    // rtt min/avg/max/mdev = 40.1/40.2/40.3/0.1 ms
    let line = ran.out.lines().find(|line| line.starts_with("rtt "));
    let shortest = line?.split_once(" = ")?.1.split('/').next()?;
    shortest.parse().ok()
}

/// What became of a link's packets: up, down.
fn packets(world: &World, name: &str, what: &str) -> [u64; 2] {
    let link = link(world, name);
    [0, 1].map(|way| {
        let count = link["packets"][way][what].as_u64();
        count.unwrap_or_else(|| panic!("{what} is not in {link}"))
    })
}

fn door(world: &World, host: &str) -> String {
    let port = world.door();
    let (status, body) =
        get(&format!("127.0.0.1:{port}"), &format!("{host}:{port}"), "/").expect("an answer");
    assert!(status.contains(" 200 "), "{status} {body}");
    body
}

#[test]
fn services_are_reached_by_the_door_and_by_each_other() {
    let world = shop(SHOP);
    let up = up(&world);
    // By way of the door and the port of the service that is published here, into the loopback in there.
    assert_eq!(door(&world, "web.shop.localhost"), "hello from web");
    // Each has an address of its own, and the usual port of what it speaks.
    let address = |service: &str| {
        let listens = world.service(service)["listens"].clone();
        listens[0].as_str().expect("an address").to_owned()
    };
    let [web, api, store] = ["web", "api", "store"].map(address);
    assert!(web.starts_with("198.18.") && web.ends_with(":8080"), "{web}");
    assert!(api.ends_with(":8080") && api != web, "{api}");
    assert!(store.ends_with(":6379"), "{store}");
    assert_eq!(world.variable("web", "API_ADDR"), api);
    assert_eq!(world.variable("api", "STORE_URL"), format!("redis://{store}"));
    assert_eq!(world.variable("web", "PORT"), "8080");
    // By name, from where a service is; that it listens on its loopback alone is no hindrance.
    let python =
        "import socket; s = socket.create_connection(('store', 6379)); s.sendall(b'ho'); print(s.recv(9))";
    let ran = world.run(&["exec", "api", "--", "python3", "-c", python]);
    assert_eq!(ran.ok(), "b'ho'");
    let [sent, came] = packets(&world, "api -> store", "delivered");
    assert!(sent >= 3 && came >= 2, "{sent} up, {came} down");
    assert_eq!(packets(&world, "web -> api", "delivered"), [0, 0]);
    // It ends as its command ends.
    assert_eq!(
        world
            .run(&["lab", "exec", "web", "--", "sh", "-c", "exit 7"])
            .code,
        7
    );
    // After a restart it is where it was.
    let before = world.service("web")["pid"].clone();
    world.run(&["restart", "web"]).ok();
    eventually("it is ready again", || {
        let service = world.service("web");
        service["pid"] != before && service["phase"] == "ready"
    });
    assert_eq!(door(&world, "web.shop.localhost"), "hello from web");
    assert_eq!(address("web"), web);
    // The store listens on its loopback alone, the API on every address.
    let relayed = |name: &str| link(&world, name)["relayed"] == Value::Bool(true);
    assert!(relayed("api -> store"), "{}", link(&world, "api -> store"));
    assert!(!relayed("web -> api"), "{}", link(&world, "web -> api"));
    assert!(world.run(&["links"]).ok().contains("last hop relayed"));
    assert_eq!(up.stop().code, 0);
    world.await_empty();
}

#[test]
fn what_a_link_does_is_what_packets_meet() {
    let world = shop(SHOP);
    let up = up(&world);
    let three = ["-c", "3", "-i", "0.2", "-W", "5"];
    let rtt = ping(&world, "web", &three, "api").expect("an answer");
    assert!(rtt >= 40.0, "{rtt}");
    world
        .run(&["set", "web -> api", "--latency", "70ms", "--up"])
        .ok();
    let rtt = ping(&world, "web", &three, "api").expect("an answer");
    assert!(rtt >= 90.0, "{rtt}");
    world.run(&["cut", "web -> api", "--down"]).ok();
    let before = packets(&world, "web -> api", "delivered");
    assert_eq!(
        ping(&world, "web", &["-c", "2", "-i", "0.2", "-W", "1"], "api"),
        None
    );
    let after = packets(&world, "web -> api", "delivered");
    // They came, and no answer did.
    assert!(after[0] >= before[0] + 2, "{before:?} {after:?}");
    assert_eq!(after[1], before[1]);
    assert!(packets(&world, "web -> api", "loss")[1] >= 2);
    assert!(world.run(&["links"]).ok().contains("dropped: "));
    // The cut is of that link alone.
    assert!(ping(&world, "api", &three, "store").is_some());
    world.run(&["heal"]).ok();
    assert!(ping(&world, "web", &three, "api").is_some());
    assert_eq!(up.stop().code, 0);
}

#[test]
fn profiles_are_what_packets_meet() {
    let world = shop(SHOP);
    let up = up(&world);
    let check = |profile: &str, at_least: f64, loses: bool| {
        world.run(&["set", "web -> api", profile]).ok();
        let before = [
            packets(&world, "web -> api", "offered"),
            packets(&world, "web -> api", "loss"),
        ];
        let rtt = ping(&world, "web", &["-c", "4", "-i", "0.2", "-W", "5"], "api");
        let after = [
            packets(&world, "web -> api", "offered"),
            packets(&world, "web -> api", "loss"),
        ];
        assert!(after[0][0] >= before[0][0] + 4, "{profile}: {before:?} {after:?}");
        if loses {
            assert_eq!(rtt, None, "{profile}");
            assert!(after[1][0] >= before[1][0] + 4, "{profile}: {before:?} {after:?}");
        } else {
            let rtt = rtt.unwrap_or_else(|| panic!("{profile}: no answer"));
            assert!(rtt >= at_least, "{profile}: {rtt} ms");
        }
    };
    check("us-us", 31.0, false);
    check("fiber", 4.0, false);
    check("eu-asia", 242.0, false);
    check("lighthouse/3g", 300.0, false);
    check("offline", 0.0, true);
    assert_eq!(up.stop().code, 0);
}

/// The shop of examples/shop, whose three hops are real connections over real packets.
#[test]
fn the_shop_takes_orders_under_five_profiles() {
    let programs = ["shop-web", "shop-api", "shop-store"].map(built);
    let [Some(web), Some(api), Some(store)] = programs else {
        let name = "the_shop_takes_orders_under_five_profiles";
        return skip(name, "examples/shop is not built: cargo build -p shop");
    };
    let world = shop(&format!(
        "name = \"shop\"\n[service.web]\nrun = \"{web}\"\nneeds = [\"api\"]\n[service.api]\nrun = \"{api}\"\n\
         needs = [\"store\"]\ndoor = false\n[service.store]\nrun = \"{store}\"\nprotocol = \"tcp\"\n"
    ));
    let up = up(&world);
    let order = || {
        let url = format!("http://127.0.0.1:{}/orders", world.door());
        let ran = Command::new("curl")
            .args([
                "-sS",
                "-w",
                " %{http_code} %{time_total}",
                "-H",
                "Host: web.shop.localhost",
            ])
            .args([
                "-H",
                "Content-Type: application/json",
                "-d",
                "{\"item\": \"tea\", \"quantity\": 2}",
                &url,
            ])
            .output()
            .expect("curl runs");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let words: Vec<&str> = said.split(' ').collect();
        let [.., code, time] = words.as_slice() else {
            panic!("{ran:?}")
        };
        (
            (*code).to_owned(),
            time.parse::<f64>().expect("a time"),
            said.clone(),
        )
    };
    for (profile, rtt) in [
        ("fiber", 0.004),
        ("us-us", 0.031),
        ("eu-us", 0.075),
        ("4g", 0.040),
        ("eu-asia", 0.240),
    ] {
        world.run(&["set", "web -> api", profile]).ok();
        let before = packets(&world, "web -> api", "delivered");
        let (code, time, said) = order();
        assert!(code.starts_with('2'), "{profile}: {said}");
        // A question and its answer; a connection may be there already.
        assert!(time >= rtt, "{profile}: {time} s");
        let after = packets(&world, "web -> api", "delivered");
        assert!(
            after[0] > before[0] && after[1] > before[1],
            "{profile}: {before:?} {after:?}"
        );
    }
    assert_eq!(up.stop().code, 0);
}

#[test]
fn what_acts_on_connections_is_refused() {
    let world = shop(SHOP);
    let up = up(&world);
    let check = |words: &[&str], what: &str| {
        world
            .run(words)
            .fails(2, &["web -> api", what, "`wharf up` without --lab"]);
    };
    check(&["set", "web -> api", "--faults", "reset 2s"], "faults");
    check(&["set", "web -> api", "--window", "64KiB"], "a window");
    check(&["cut", "web -> api", "--reset"], "a reset");
    check(&["http", "web -> api", "path=/ status=503"], "HTTP rules");
    check(&["requests", "web -> api"], "requests");
    assert_eq!(up.stop().code, 0);
    world.file(&SHOP.replace("latency = \"20ms\"", "faults = \"reset 2s\""));
    world
        .run(&["up", "--lab"])
        .fails(2, &["link web -> api: faults", "without --lab"]);
    // Relays have them.
    let up = world.start(&["up", "--lab=auto"]);
    up.await_line("no lab: link web -> api: faults");
    up.await_line("up in ");
    assert_eq!(world.status()["lab"], Value::Null);
    world
        .run(&["up", "--lab", "-d"])
        .fails(2, &["runs already, and in no lab", "wharf down"]);
    world
        .run(&["lab", "exec", "web", "--", "true"])
        .fails(2, &["its stack is in no lab"]);
    assert_eq!(up.stop().code, 0);
}

#[test]
fn a_link_is_captured_packet_by_packet() {
    let world = shop(SHOP);
    let up = up(&world);
    let capture = world.start(&["capture", "web -> api", "-o", "x.pcapng", "--seconds", "60"]);
    let file = world.project().join("x.pcapng");
    eventually("the capture", || file.exists());
    ping(&world, "web", &["-c", "3", "-i", "0.2", "-W", "5"], "api").expect("answers");
    assert_eq!(capture.stop().code, 0);
    let ran = Command::new("tshark")
        .args([
            "-r",
            "x.pcapng",
            "-Y",
            "icmp || icmpv6",
            "-T",
            "fields",
            "-e",
            "frame.interface_name",
        ])
        .current_dir(world.project())
        .output()
        .expect("tshark runs");
    let seen = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(seen.lines().collect::<Vec<_>>(), ["web -> api"; 6], "{ran:?}");
    assert_eq!(up.stop().code, 0);
}

const PLACES: &str = r#"
name = "places"
[service.web]
run = "PEER hello"
needs = ["api"]
[service.api]
run = "PEER hello"
needs = ["outside"]
[external.outside]
address = "127.0.0.1:OUTSIDE"
[node.home]
kind = "nat"
inside = ["wifi"]
[segment.wifi]
nodes = ["web", "home"]
latency = "3ms"
[segment.street]
nodes = ["home", "api", "gateway"]
latency = "10ms"
"#;

#[test]
fn services_are_hosts_of_the_files_network() {
    let outside = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = outside.local_addr().expect("bound").port();
    let world = shop(&PLACES.replace("OUTSIDE", &port.to_string()));
    world
        .run(&["up"])
        .fails(2, &["it has nodes, and those need a lab", "`wharf up --lab`"]);
    // Drawn before anything runs.
    let way = world
        .run(&["topology", "wharf.toml", "--path", "web", "api"])
        .ok();
    assert!(way.contains("home") && way.contains("street"), "{way}");
    let up = up(&world);
    assert_eq!(world.variable("web", "HOST"), "0.0.0.0");
    let web = world.service("web")["listens"][0]
        .as_str()
        .expect("an address")
        .to_owned();
    assert!(web.starts_with("10."), "behind a translator: {web}");
    let rtt = ping(&world, "web", &["-c", "2", "-i", "0.2", "-W", "5"], "api").expect("an answer");
    assert!(rtt >= 26.0, "{rtt}");
    assert_eq!(door(&world, "web.places.localhost"), "hello from web");
    // An external is reached by way of this machine's node and its relay.
    let python = "import os, socket; socket.create_connection((os.environ['OUTSIDE_HOST'], int(os.environ['OUTSIDE_PORT'])))";
    world.run(&["exec", "api", "--", "python3", "-c", python]).ok();
    outside.accept().expect("a connection");
    // Segments have figures, and conditions that change with the file.
    let segment = |name: &str| {
        let status = world.status();
        let all = status["segments"].as_array().expect("segments").clone();
        all.into_iter()
            .find(|segment| segment["name"] == name)
            .expect("the segment")
    };
    let street = segment("street");
    assert!(street["packets"][0]["delivered"].as_u64() >= Some(4), "{street}");
    let slower = PLACES
        .replace("OUTSIDE", &port.to_string())
        .replace("10ms", "40ms");
    world.file(&slower);
    world.run(&["up", "-d"]).ok();
    assert_eq!(segment("street")["up"]["latency"], "40ms");
    let rtt = ping(&world, "web", &["-c", "2", "-i", "0.2", "-W", "5"], "api").expect("an answer");
    assert!(rtt >= 86.0, "{rtt}");
    // Hosts do not come and go.
    world.file(
        &format!("{slower}\n[service.late]\nrun = \"PEER hello\"\n").replace(
            "nodes = [\"web\", \"home\"]",
            "nodes = [\"web\", \"home\", \"late\"]",
        ),
    );
    world
        .run(&["up", "-d"])
        .fails(2, &["another network", "`wharf down`, then `wharf up --lab`"]);
    assert_eq!(up.stop().code, 0);
}

/// The keeper of the lab and the processes of the services.
fn processes(world: &World) -> (u32, Vec<u32>) {
    let status = world.status();
    let pid = |value: &Value| u32::try_from(value.as_u64().expect("a pid")).expect("a pid");
    let services = status["services"].as_array().expect("services");
    (
        pid(&status["lab"]["keeper"]),
        services.iter().map(|service| pid(&service["pid"])).collect(),
    )
}

/// That none of these runs any more; who is dead and not reaped yet does not.
#[track_caller]
fn gone(pids: &[u32]) {
    let runs = |pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty());
    eventually("they are gone", || !pids.iter().any(runs));
}

#[test]
fn whatever_is_killed_nothing_is_left() {
    let world = shop(SHOP);
    let mut running = up(&world);
    let (keeper, services) = processes(&world);
    assert_eq!(services.len(), 3);
    kill(running.pid(), Signal::KILL);
    running.wait();
    gone(&services);
    gone(&[keeper]);
    world.await_empty();
    // With its guardian: what is left has been told by the kernel (PDEATHSIG), also in a user namespace.
    let mut running = up(&world);
    let (keeper, services) = processes(&world);
    let guardian = guardian_of(&running);
    for pid in [running.pid(), guardian] {
        kill(pid, Signal::STOP);
    }
    for pid in [running.pid(), guardian] {
        kill(pid, Signal::KILL);
    }
    running.wait();
    gone(&services);
    gone(&[keeper]);
    // And the next starts as if nothing had been.
    let mut running = up(&world);
    let (keeper, services) = processes(&world);
    kill(keeper, Signal::KILL);
    let ran = running.wait();
    ran.fails(
        1,
        &["the process that keeps the lab was killed", "`wharf up --lab`"],
    );
    gone(&services);
    world.await_empty();
}

#[test]
fn a_lab_that_cannot_be_made_is_an_error_or_said() {
    let world = shop(SHOP);
    // In a user namespace that may have no network namespaces (namespaces(7)).
    let start = |lab: &str| {
        let script = "echo 0 > /proc/sys/user/max_net_namespaces && exec \"$0\" \"$@\"";
        let inside = world.command(&["up", lab]);
        let mut command = Command::new("unshare");
        command
            .args(["-Ur", "sh", "-c", script])
            .arg(inside.get_program());
        command
            .args(inside.get_args())
            .env_clear()
            .envs(world.environment());
        command.current_dir(world.project()).stdin(Stdio::null());
        Running::start(command)
    };
    let strict = start("--lab").wait();
    strict.fails(1, &["make a network namespace", "user.max_net_namespaces"]);
    let up = start("--lab=auto");
    up.await_line("no lab: make a network namespace");
    up.await_line("up in ");
    assert_eq!(door(&world, "web.shop.localhost"), "hello from web");
    assert_eq!(up.stop().code, 0);
}
