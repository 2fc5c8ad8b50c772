//! `wharf lab`: the command's exit, signals, streams, and that nothing of a lab is left, whoever is killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::capture::blocks;
use crate::running::Running;
use crate::world::{PATIENCE, World, eventually, is_root, kill, skip, wharf, within};

/// The children of a process.
fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// Which network namespace a process is in.
fn network(pid: u32) -> Option<String> {
    let link = fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
    Some(link.to_string_lossy().into_owned())
}

/// The network namespaces that any process is in.
fn networks() -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter_map(|entry| network(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

#[test]
fn the_commands_exit_is_the_labs() {
    let world = World::new();
    let check = |script: &str, expected: i32| {
        let ran = world.run(&["lab", "--", "sh", "-c", script]);
        assert_eq!(ran.code, expected, "{script}: {ran:?}");
    };
    check("exit 0", 0);
    check("exit 7", 7);
    check("kill -TERM $$", 128 + 15);
    check("kill -KILL $$", 128 + 9);
    world
        .run(&["lab", "--", "/nowhere/at/all"])
        .fails(127, &["run /nowhere/at/all"]);
    world
        .run(&["lab", "--", "/etc/passwd"])
        .fails(126, &["run /etc/passwd"]);
}

#[test]
fn a_lab_that_does_not_sleep_carries_as_well() {
    let world = World::new();
    let ping = [
        "lab",
        "--busy-poll",
        "--latency",
        "5ms",
        "--json",
        "figures",
        "--",
        "ping",
        "-c",
        "5",
        "-i",
        "0.05",
        "gateway",
    ];
    let said = world.run(&ping).ok();
    assert!(said.contains("5 received"), "{said}");
    let text = fs::read_to_string(world.project().join("figures")).expect("written");
    let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(figures["up"]["written"], 5, "{figures}");
    assert_eq!(figures["up"]["lateness"]["count"], 5, "{figures}");
}

#[test]
fn streams_are_the_commands_own() {
    let world = World::new();
    let mut command = world.command(&["lab", "--", "sh", "-c", "cat; echo wrong >&2"]);
    fs::write(world.project().join("input"), "line\n").expect("written");
    command.stdin(fs::File::open(world.project().join("input")).expect("open"));
    let ran = world.finish(command);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, "line\n", "wrong\n")
    );
}

#[test]
fn arguments_that_are_no_text_are_handed_on() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let mut command = world.command(&["lab", "--", "printf", "%s"]);
    command.arg(std::ffi::OsStr::from_bytes(&[0x66, 0xff, 0x67]));
    let output = command.output().expect("wharf runs");
    assert_eq!(output.stdout, [0x66, 0xff, 0x67]);
}

#[test]
fn the_gateway_has_a_name_and_variables() {
    let world = World::new();
    let script = "echo $WHARF_GATEWAY $WHARF_GATEWAY_V6; grep -w gateway /etc/hosts | head -n 1; tail -n 1 /etc/resolv.conf";
    let said = world.run(&["lab", "--", "sh", "-c", script]).ok();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "198.18.0.1 fd77:6861:7266::1");
    assert_eq!(lines[1], "198.18.0.1\tgateway");
    assert_eq!(lines[2], "nameserver 198.18.0.1");
    let outside = fs::read_to_string("/etc/hosts").unwrap_or_default();
    assert!(
        !outside.contains("198.18.0.1"),
        "the machine's own file is as it was"
    );
}

#[test]
fn the_doors_names_are_reached_over_the_link() {
    let world = World::new();
    world.file("name = \"shop\"\n[service.web]\nrun = \"PEER hello\"\n");
    world.run(&["up", "-d"]).ok();
    let url = format!("http://web.shop.localhost:{}/", world.door());
    let fetch = format!("curl -sS -w '\n%{{time_total}}' {url}");
    let said = world
        .run(&["lab", "--latency", "150ms", "--", "sh", "-c", &fetch])
        .ok();
    let (body, time) = said.rsplit_once('\n').expect("two lines");
    assert_eq!(body, "hello from web");
    // To the command's own loopback at once, and from there a connection and a question over the link.
    let time: f64 = time.trim().parse().expect("a time");
    assert!((0.6..1.2).contains(&time), "{time} s");
    world.run(&["down"]).ok();
}

#[test]
fn a_port_of_this_machine_is_at_the_commands_localhost_where_that_is_wanted() {
    let world = World::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().expect("a connection");
            std::io::Write::write_all(&mut stream, b"of this machine").expect("written");
        }
    });
    let ask = format!(
        "python3 -c \"import socket; print(socket.create_connection(('HOST', {port})).makefile().read())\""
    );
    let at = |host: &str| ask.replace("HOST", host);
    let local = ["lab", "--local", &port.to_string()].map(str::to_owned);
    for host in ["127.0.0.1", "::1"] {
        let script = at(host);
        let words = local
            .iter()
            .map(String::as_str)
            .chain(["--", "sh", "-c", &script]);
        assert_eq!(world.run(&words.collect::<Vec<_>>()).ok(), "of this machine");
    }
    server.join().expect("served");
    let ran = world.run(&["lab", "--", "sh", "-c", &at("127.0.0.1")]);
    assert!(ran.err.contains("refused"), "{ran:?}");
}

#[test]
fn signals_reach_the_command() {
    let world = World::new();
    let script = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut running = world.start(&["lab", "--", "sh", "-c", script]);
    running.await_line("ready");
    kill(running.pid(), Signal::TERM);
    let status = running.child.wait().expect("waited");
    assert_eq!(status.code(), Some(3), "{}", running.said());
    running.await_line("caught");
    world.await_empty();
}

/// A key that is pressed comes to the command from the terminal; what a process sends, from the lab alone.
#[test]
fn an_interrupt_reaches_the_command_from_a_terminal_and_from_a_process() {
    let world = World::new();
    let (terminal, end) = wharf_stack::pty::open().expect("a pseudoterminal");
    let script =
        "trap 'n=x$n; echo caught $n' INT; trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let wharf = wharf();
    let mut command = Command::new("setsid");
    command
        .args(["--ctty", "--wait"])
        .arg(&wharf)
        .args(["lab", "--", "sh", "-c", script])
        .env_clear()
        .envs(world.environment())
        .current_dir(world.project())
        .stdin(Stdio::from(end));
    let mut running = Running::start(command);
    running.await_line("ready");
    let lab = children(running.pid())[0];
    kill(lab, Signal::INT);
    running.await_line("caught x");
    rustix::io::write(&terminal, b"\x03").expect("typed");
    running.await_line("caught xx");
    kill(lab, Signal::INT);
    running.await_line("caught xxx");
    kill(lab, Signal::TERM);
    assert_eq!(running.child.wait().expect("waited").code(), Some(3));
    world.await_empty();
    assert_eq!(running.said().matches("caught").count(), 3, "{}", running.said());
}

/// A lab whose command has a child that left its session, and the pids of its processes: keeper of
/// namespaces, first process, shell.
fn stubborn(world: &World) -> (Running, [u32; 3]) {
    let script =
        "setsid sh -c 'trap \"\" TERM INT HUP; echo deep; while :; do sleep 1; done' & echo shallow; wait";
    let running = world.start(&["lab", "--", "sh", "-c", script]);
    running.await_line("deep");
    let keeper = children(running.pid())[0];
    let first = children(keeper)[0];
    let shell = children(first)[0];
    (running, [keeper, first, shell])
}

#[test]
fn whichever_process_is_killed_nothing_is_left() {
    for victim in 0..4 {
        let world = World::new();
        let (mut running, [keeper, first, shell]) = stubborn(&world);
        let used: Vec<String> = [keeper, first].into_iter().filter_map(network).collect();
        assert_eq!(used.len(), 2);
        assert_ne!(used[0], used[1], "both ends have a network of their own");
        let pid = [running.pid(), keeper, first, shell][victim];
        kill(pid, Signal::KILL);
        let code = running.child.wait().expect("waited").code();
        // Killed itself; two that say so; and the command, whose end is an ordinary one.
        assert_eq!(
            code,
            [None, Some(1), Some(1), Some(128 + 9)][victim],
            "{}",
            running.said()
        );
        world.await_empty();
        eventually("its networks are gone", || {
            let there = networks();
            used.iter().all(|network| !there.contains(network))
        });
    }
}

#[test]
fn what_the_command_left_behind_ends_with_it() {
    let world = World::new();
    let ran = world.run(&[
        "lab",
        "--",
        "sh",
        "-c",
        "setsid sleep 1000 >/dev/null 2>&1 & exit 4",
    ]);
    assert_eq!(ran.code, 4);
    // At once, and not some time later.
    assert_eq!(world.processes(), Vec::<u32>::new());
}

#[test]
fn what_has_passed_is_said() {
    let world = World::new();
    let ran = world.run(&[
        "lab",
        "--latency",
        "1ms",
        "--stats",
        "--json",
        "figures",
        "--",
        "ping",
        "-4",
        "-c",
        "3",
        "-i",
        "0.2",
        "gateway",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("up   3 packets"), "{ran:?}");
    let text = fs::read_to_string(world.project().join("figures")).expect("written");
    let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(figures["up"]["written"], 3, "{figures}");
    assert_eq!(figures["down"]["segments"][0]["delivered"], 3, "{figures}");
    assert_eq!(figures["seed"], 1);
}

#[test]
fn what_passes_is_captured() {
    let world = World::new();
    let ping = ["ping", "-4", "-c", "3", "-i", "0.2", "198.18.0.1"];
    let options = [
        "lab",
        "--latency",
        "1ms",
        "--stats",
        "--capture",
        "x.pcapng",
        "--",
    ];
    let ran = world.run(&[&options[..], &ping].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("capture: 6 packets"), "{ran:?}");
    let path = world.project().join("x.pcapng");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "passwords may be in it");
    // A section, two interfaces (the command's end and what was dropped), packets, two statistics.
    let types = blocks(&fs::read(&path).expect("the file"));
    assert_eq!(types, [0x0a0d_0d0a, 1, 1, 6, 6, 6, 6, 6, 6, 5, 5]);
    // Whatever it is told to show, and no more.
    let check = |points: &str, expected: [usize; 2]| {
        let options = [
            "lab",
            "--path",
            "wifi,dsl",
            "--capture",
            "x.pcapng",
            "--capture-at",
            points,
            "--",
        ];
        world.run(&[&options[..], &["true"]].concat()).ok();
        let types = blocks(&fs::read(&path).expect("the file"));
        let count = |kind| types.iter().filter(|there| **there == kind).count();
        assert_eq!([count(1), count(5)], expected, "{points}");
    };
    check("command", [1, 1]);
    check("router1,gateway", [2, 2]);
    check("drops", [2, 2]);
    check("all", [5, 5]);
}

/// What has been seen by then is in the file of a lab that is killed, and the file is one that can be read.
#[test]
fn the_capture_of_a_lab_that_is_killed_can_be_read() {
    const PACKET: u32 = 6;
    let world = World::new();
    let script = "ping -4 -n -i 0.01 198.18.0.1";
    let mut running = world.start(&["lab", "--capture", "x.pcapng", "--", "sh", "-c", script]);
    // What was seen is handed over whenever nothing is to be done, and so long before the lab ends.
    let path = world.project().join("x.pcapng");
    eventually("something is in the file", || {
        fs::metadata(&path).is_ok_and(|file| file.len() > 4_000)
    });
    kill(running.pid(), Signal::KILL);
    running.child.wait().expect("waited");
    world.await_empty();
    let types = blocks(&fs::read(&path).expect("the file"));
    let packets = types.iter().filter(|kind| **kind == PACKET).count();
    assert!(packets >= 20, "{packets}");
}

#[test]
fn bad_input_is_named() {
    let world = World::new();
    let check = |arguments: &[&str], texts: &[&str]| {
        let arguments = [&["lab"], arguments, &["--", "true"]].concat();
        world.run(&arguments).fails(2, texts);
    };
    check(&["--latency", "fast"], &["--latency", "fast"]);
    check(&["--profile", "5h"], &["there is no profile `5h`"]);
    check(
        &["--path", "4g,latency=x"],
        &["read the segment `latency=x`", "latency"],
    );
    check(
        &["--path", "4g dsl"],
        &["read the segment `4g dsl`", "second profile"],
    );
    check(&["--path", "4g,,"], &["it is empty"]);
    check(&["--trace", "nowhere"], &["nowhere"]);
    check(&["--faults", "slice 64B"], &["a lab carries packets"]);
    check(
        &["--capture", "x", "--capture-at", "router"],
        &["router", "command, gateway"],
    );
    check(
        &["--capture", "x", "--capture-at", "router2", "--path", "wifi,dsl"],
        &["capture at router 2: the path has 1"],
    );
    check(&["--capture-at", "gateway"], &["--capture"]);
    let of_a_network = [
        "--topology",
        "dumb-bell",
        "--at",
        "left",
        "--capture",
        "x",
        "--capture-at",
        "gateway",
    ];
    check(&of_a_network, &["capture in a topology", "the name of a segment"]);
    let network = ["--topology", "home-isp-cloud", "--at", "laptop"];
    let nowhere = ["--capture", "x", "--capture-at", "nowhere"];
    check(&[network, nowhere].concat(), &["there is no segment `nowhere`"]);
    assert!(!world.project().join("x").exists());
    let into_nowhere = ["lab", "--capture", "/nowhere/x", "--", "true"];
    world.run(&into_nowhere).fails(5, &["capture into /nowhere/x"]);
    world.run(&["lab"]).fails(2, &["required"]);
}

#[test]
fn a_congestion_control_that_there_is_not_is_named() {
    let world = World::new();
    let allowed = fs::read_to_string("/proc/sys/net/ipv4/tcp_allowed_congestion_control").expect("readable");
    let script = "cat /proc/sys/net/ipv4/tcp_congestion_control";
    let said = world
        .run(&["lab", "--congestion", "reno", "--", "sh", "-c", script])
        .ok();
    assert_eq!(said, "reno");
    if !allowed.contains("cubic") {
        let ran = world.run(&["lab", "--congestion", "cubic", "--", "true"]);
        ran.fails(1, &["set the congestion control to cubic", allowed.trim()]);
    }
}

/// As an ordinary user, with a node of TUN that is open to it and without one.
#[test]
fn an_ordinary_user_needs_no_privilege() {
    if !is_root() {
        return check_rootless(&World::new(), None);
    }
    let world = World::new();
    let node = world.project().join("tun");
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        &node,
        rustix::fs::FileType::CharacterDevice,
        mode,
        rustix::fs::makedev(10, 200),
    );
    if let Err(errno) = made {
        return skip(
            "an_ordinary_user_needs_no_privilege",
            &format!("no device node can be made: {errno}"),
        );
    }
    // Also against the umask, and for the folders above.
    fs::set_permissions(&node, fs::Permissions::from_mode(0o666)).expect("open to all");
    for folder in [
        world.project(),
        world.project().parent().expect("a parent").to_owned(),
    ] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("open to all");
    }
    let copy = world.project().join("wharf");
    fs::copy(wharf(), &copy).expect("copied");
    check_rootless(&world, Some((&copy, &node)));
}

/// Without a copy, the user is an ordinary one already.
fn check_rootless(world: &World, as_nobody: Option<(&Path, &Path)>) {
    const NOBODY: u32 = 65_534;
    let run = |tun: Option<&Path>, arguments: &[&str]| {
        let mut command = match as_nobody {
            None => world.command(arguments),
            Some((copy, _)) => {
                let mut command = Command::new(copy);
                command
                    .args(arguments)
                    .env_clear()
                    .envs(world.environment())
                    .env("PATH", "/usr/bin:/bin")
                    .current_dir(world.project())
                    .stdin(Stdio::null())
                    .uid(NOBODY)
                    .gid(NOBODY);
                command
            }
        };
        if let Some(tun) = tun {
            command.env("WHARF_TUN", tun);
        }
        world.finish(command)
    };
    let ping = [
        "lab",
        "--latency",
        "5ms",
        "--json",
        "figures",
        "--",
        "ping",
        "-c",
        "3",
        "-i",
        "0.2",
        "gateway",
    ];
    let carriers = [
        (as_nobody.map(|(_, node)| node), "Tun"),
        (Some(Path::new("/nowhere/tun")), "Veth"),
    ];
    for (tun, carrier) in carriers {
        if carrier == "Tun" && tun.is_none() {
            // Whether /dev/net/tun is open to this user is the machine's.
            continue;
        }
        let said = run(tun, &ping).ok();
        assert!(said.contains("3 received"), "{said}");
        let text = fs::read_to_string(world.project().join("figures")).expect("written");
        let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(figures["carrier"], carrier, "{figures}");
        assert_eq!(figures["up"]["segments"][0]["delivered"], 3, "{figures}");
        fs::remove_file(world.project().join("figures")).expect("removed");
        // The command is who its user is, and may nothing.
        let script = "id -u; grep CapEff /proc/self/status";
        let said = run(tun, &["lab", "--", "sh", "-c", script]).ok();
        let uid = if as_nobody.is_some() {
            NOBODY
        } else {
            rustix::process::getuid().as_raw()
        };
        assert_eq!(said, format!("{uid}\nCapEff:\t0000000000000000"));
        // Unless it is to have the tools of the network, over its own.
        let script = "grep CapEff /proc/self/status";
        let said = run(tun, &["lab", "--net-tools", "--", "sh", "-c", script]).ok();
        assert_eq!(said, "CapEff:\t0000000000003000");
        // The same in a whole network.
        let script = "ping -c 1 -W 2 receiver-2 | grep received; id -u; grep CapEff /proc/self/status";
        let network = [
            "lab",
            "--topology",
            "dumb-bell",
            "--at",
            "sender-1",
            "--json",
            "figures",
        ];
        let words: Vec<&str> = network.into_iter().chain(["--", "sh", "-c", script]).collect();
        let said = run(tun, &words).ok();
        assert!(said.starts_with("1 packets transmitted, 1 received"), "{said}");
        assert!(
            said.ends_with(&format!("{uid}\nCapEff:\t0000000000000000")),
            "{said}"
        );
        let text = fs::read_to_string(world.project().join("figures")).expect("written");
        let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (&figures["carrier"], &figures["read"]),
            (&carrier.into(), &2.into()),
            "{figures}"
        );
        fs::remove_file(world.project().join("figures")).expect("removed");
    }
    let left = within(PATIENCE, || world.processes().is_empty());
    assert!(left, "left behind: {:?}", world.processes());
}
