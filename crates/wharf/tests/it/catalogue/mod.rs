//! The catalogue, made for real: each test brings a situation about, and checks that `explain` or
//! `doctor` names its rule first.

mod bind;
mod browser;
mod clean;
mod connect;
mod containers;
mod names;
mod silent;
mod wrong;

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::world::{Ran, World, is_root, peer, skip, wharf};

/// Checks that explaining `target` names `rule` first.
#[track_caller]
fn explains(world: &World, target: &str, rule: &str) {
    named_first(&world.run(&["explain", target, "--json"]), rule);
}

/// Checks that what was printed as JSON, by explain or doctor, names `rule` first.
#[track_caller]
fn named_first(ran: &Ran, rule: &str) {
    let found = findings(ran);
    assert_eq!(
        found.first().map(String::as_str),
        Some(rule),
        "found were {found:?} in:\n{}\n{}",
        ran.out,
        ran.err
    );
    assert!(
        ran.code == 10 || ran.code == 11 || ran.code == 12 || ran.code == 0,
        "{}",
        ran.code
    );
}

/// The rules that explain or doctor found, the first one first.
#[track_caller]
fn findings(ran: &Ran) -> Vec<String> {
    let json: Value = serde_json::from_str(&ran.out)
        .unwrap_or_else(|error| panic!("{error}: stdout: {}\nstderr: {}", ran.out, ran.err));
    let rows = json.as_array().expect("rows");
    let explained = rows.iter().filter_map(|row| row["findings"].as_array()).flatten();
    let checked = rows
        .iter()
        .map(|row| &row["outcome"]["finding"])
        .filter(|finding| finding.is_object());
    explained
        .chain(checked)
        .filter_map(|finding| finding["rule"].as_str().map(str::to_owned))
        .collect()
}

/// Checks that `wharf explain -- COMMAND` keeps the command's failure and tells `rule` first.
#[track_caller]
fn explains_command(world: &World, command: &[&str], rule: &str) {
    let ran = world.run(&[&["explain", "--"], command].concat());
    assert_ne!(ran.code, 0, "the command was to fail: {}", ran.err);
    told_first(&ran, rule);
}

/// Checks that what was told on standard error names `rule` first.
#[track_caller]
fn told_first(ran: &Ran, rule: &str) {
    let mut told = ran.err.lines().filter_map(|line| line.strip_prefix("  rule "));
    assert_eq!(
        told.next(),
        Some(rule),
        "stdout: {}\nstderr: {}",
        ran.out,
        ran.err
    );
}

/// A command that binds `address` as a server does that does not set SO_REUSEADDR, and listens.
fn binds(address: &str, port: u16) -> Vec<String> {
    let program = "import socket, sys\n\
        host, port = sys.argv[1], int(sys.argv[2])\n\
        server = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)\n\
        try:\n    server.bind((host, port)); server.listen()\n\
        except OSError as error:\n    sys.exit(f'{error}: bind {(host, port)}')\n";
    ["python3", "-c", program, address, &port.to_string()]
        .map(str::to_owned)
        .to_vec()
}

/// A command as a shell reads it.
fn shell_words(command: &[String]) -> String {
    let quoted = command
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', "'\\''")));
    quoted.collect::<Vec<_>>().join(" ")
}

/// Runs a shell script in a machine of its own: network, mounts and processes that nobody else
/// sees, and that end with it. `$WHARF` and `$PEER` are the programs. `None`, said aloud, where this
/// user may make no such thing.
fn sealed(world: &World, test: &str, script: &str) -> Option<Ran> {
    if !may_seal() {
        skip(test, "this user may make no namespaces");
        return None;
    }
    let mut command = seal();
    command
        .args(["sh", "-euc", script])
        .envs(world.environment())
        .env("WHARF", wharf())
        .env("PEER", peer())
        .current_dir(world.project())
        .stdin(Stdio::null());
    Some(world.finish(command))
}

fn seal() -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args([
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
    ]);
    command
}

fn may_seal() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| {
        seal()
            .arg("true")
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

/// A namespace with a loopback that is up, as a shell's first lines; `await PORT` waits for a listener.
const UP: &str = "ip link set lo up\n\
    await() { until [ -n \"$(ss -Htln \"sport = :$1\")\" ]; do sleep 0.02; done; }\n";

fn script(lines: &str) -> String {
    format!("{UP}{lines}")
}
