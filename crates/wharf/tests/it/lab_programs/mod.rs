//! Real programs in the lab: a server on this machine's loopback, or in the lab itself, and a client
//! behind a link. What the client reports is held against the link's conditions, and so is what the
//! link has counted.

mod databases;
mod inside;
mod names;
mod quic;
mod shell;
mod throughput;
mod web;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::server::{Beside, free_port};
use crate::world::{PATIENCE, Ran, World, eventually, skip, within};
use wharf_host::sockets;

/// A program that a test needs, and the package of Debian's that has it.
type Needed = (&'static str, &'static str);

/// Where these programs are, or a skip said aloud.
fn programs<const N: usize>(test: &str, needed: [Needed; N]) -> Option<[String; N]> {
    let found = needed.map(|(name, package)| find(name).ok_or((name, package)));
    if let Some((name, package)) = found.iter().find_map(|program| program.as_ref().err()) {
        skip(test, &format!("{name} is not installed (package {package})"));
        return None;
    }
    Some(found.map(|program| program.expect("found").display().to_string()))
}

/// Also where only root's PATH leads, and where Debian keeps PostgreSQL.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .chain(versions.map(|version| version.path().join("bin")))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A command as one types it.
fn words(line: &str) -> Vec<String> {
    shell_words::split(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Runs a command in the project beside the lab; it must succeed.
#[track_caller]
fn runs(world: &World, line: &str) {
    let words = words(line);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(world.project());
    let output = command.output().unwrap_or_else(|error| panic!("{line}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
}

/// A real server on a port of this machine's loopback, for as long as its test.
struct Server {
    port: u16,
    process: Beside,
}

impl Server {
    /// Starts a server, `PORT` in whose command stands for its port, and waits until it listens.
    #[track_caller]
    fn start(world: &World, line: &str) -> Self {
        Self::on(world, free_port(), line)
    }

    #[track_caller]
    fn on(world: &World, port: u16, line: &str) -> Self {
        let words = words(&line.replace("PORT", &port.to_string()));
        let log = world.project().join(format!("log-{port}"));
        let file = fs::File::create(&log).expect("a log");
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .stdout(file.try_clone().expect("a descriptor"))
            .stderr(file);
        let mut process = Beside::start(world, command);
        let mut listens = false;
        eventually(&format!("{line} listens or has ended"), || {
            let listeners = sockets::listeners().expect("the kernel answers");
            listens = listeners.iter().any(|socket| socket.local.port() == port);
            listens || !process.runs()
        });
        let said = || fs::read_to_string(&log).unwrap_or_default();
        assert!(listens, "{line} has ended:\n{}", said());
        Self { port, process }
    }
}

/// In its own way, so that it reaps its workers and gives shared memory back.
impl Drop for Server {
    fn drop(&mut self) {
        self.process.signal(Signal::TERM);
        let ended = within(PATIENCE, || !self.process.runs());
        assert!(
            ended || std::thread::panicking(),
            "the server at {} goes on when it is asked to end",
            self.port
        );
    }
}

/// What a client in a lab came to, and what its link has counted.
#[derive(Debug)]
struct Seen {
    code: i32,
    out: String,
    err: String,
    figures: Value,
}

/// Runs a client in a lab with these conditions; it must succeed.
#[track_caller]
fn in_lab(world: &World, conditions: &str, client: &str) -> Seen {
    let seen = try_in_lab(world, conditions, client);
    let Seen { code, out, err, .. } = &seen;
    assert_eq!(*code, 0, "{conditions} -- {client} failed:\n{out}\n{err}");
    seen
}

/// The same, however it ends.
#[track_caller]
fn try_in_lab(world: &World, conditions: &str, client: &str) -> Seen {
    let conditions = words(&format!("lab {conditions} --json figures --"));
    let client = words(client);
    let line: Vec<&str> = conditions.iter().chain(&client).map(String::as_str).collect();
    let Ran { code, out, err } = world.run(&line);
    let text = fs::read_to_string(world.project().join("figures"))
        .unwrap_or_else(|error| panic!("no figures: {error}\n{out}\n{err}"));
    Seen {
        code,
        out,
        err,
        figures: serde_json::from_str(&text).expect("JSON"),
    }
}

impl Seen {
    /// What the client has printed, as JSON.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A counter of the way from the client to the gateway.
    #[track_caller]
    fn up(&self, counter: &str) -> u64 {
        self.counted("up", counter)
    }

    /// A counter of the way to the client.
    #[track_caller]
    fn down(&self, counter: &str) -> u64 {
        self.counted("down", counter)
    }

    /// The direction's own counter, or the sum over its segments.
    #[track_caller]
    fn counted(&self, way: &str, counter: &str) -> u64 {
        let lane = &self.figures[way];
        let segments = lane["segments"].as_array().expect("segments");
        let found: Vec<u64> = match lane[counter].as_u64() {
            Some(count) => vec![count],
            None => segments.iter().filter_map(|one| one[counter].as_u64()).collect(),
        };
        assert!(!found.is_empty(), "no counter {counter} in {lane}");
        found.iter().sum()
    }

    /// Every packet that set out has arrived, and as many as these did.
    #[track_caller]
    fn nothing_lost(&self, up: u64, down: u64) {
        for (way, least) in [("up", up), ("down", down)] {
            let delivered = self.counted(way, "delivered");
            assert!(delivered >= least, "{way}: {delivered} of {least}: {self:?}");
            for cause in ["loss", "queue", "aqm", "mtu", "outage", "not_taken"] {
                assert_eq!(self.counted(way, cause), 0, "{way}, {cause}: {self:?}");
            }
        }
    }
}

/// The first number behind `label` in what was printed.
#[track_caller]
fn number(text: &str, label: &str) -> f64 {
    let (_, rest) = text
        .split_once(label)
        .unwrap_or_else(|| panic!("no {label:?} in:\n{text}"));
    let rest = rest.trim_start();
    let end = rest
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(rest.len());
    rest[..end]
        .parse()
        .unwrap_or_else(|error| panic!("{label:?}: {error}: {rest}"))
}

/// Bytes that repeat nowhere near, so that a piece that is missing, doubled or moved shows.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        // Numerical Recipes' generator: any will do that is the same each time.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(next).collect()
}

/// That a file has these bytes, without printing them.
#[track_caller]
fn intact(file: &Path, expected: &[u8]) {
    let got = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(got.len(), expected.len(), "{}", file.display());
    assert!(got == expected, "{} is not what was sent", file.display());
}
