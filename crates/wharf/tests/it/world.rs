//! A world of its own for each test: state, run directory, door port, range of leases. When it
//! ends, nothing of it may be left.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::running::Running;

/// Nothing in these tests takes this long; what does has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    directory: tempfile::TempDir,
    slice: Slice,
}

/// The ports of one world, below those that kernels give out: the first is for the door, the others
/// for leases. Two runs of these tests may be under way on one machine, also of two users, so each
/// slice is held by a name that the kernel knows for as long as its holder lives (unix(7), abstract).
struct Slice {
    first: u16,
    _held: UnixListener,
}

impl Slice {
    const PORTS: u16 = 100;
    const COUNT: u16 = 120;

    fn hold() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        (0..Self::COUNT)
            .find_map(|_| {
                let number = NEXT.fetch_add(1, Ordering::Relaxed) % Self::COUNT;
                let name = SocketAddr::from_abstract_name(format!("wharf-tests-{number}")).expect("a name");
                let slice = Slice {
                    first: 20_000 + number * Self::PORTS,
                    _held: UnixListener::bind_addr(&name).ok()?,
                };
                slice.has_a_door().then_some(slice)
            })
            .expect("a slice of ports that no other run has")
    }

    fn has_a_door(&self) -> bool {
        let free = |host| TcpListener::bind((host, self.first)).is_ok();
        free("127.0.0.1") && free("::1")
    }

    /// The range of leases.
    fn leases(&self) -> String {
        format!("{}-{}", self.first + 1, self.first + Self::PORTS - 1)
    }
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Asserts success, and returns what was printed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(
            self.code, 0,
            "it failed\nstdout: {}\nstderr: {}",
            self.out, self.err
        );
        self.out.trim_end().to_owned()
    }

    /// Asserts this exit code, and each text in what was said.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        }
    }
}

/// A program of the workspace's, if it was built.
pub(crate) fn built(name: &str) -> Option<String> {
    let path = programs().join(name);
    path.exists().then(|| path.display().to_string())
}

/// Where the programs are: beside this test, or where an ordinary user's copy of them was put.
fn programs() -> PathBuf {
    match std::env::var_os("WHARF_TEST_BIN_DIR") {
        Some(directory) => directory.into(),
        None => Path::new(env!("CARGO_BIN_EXE_wharf"))
            .parent()
            .expect("a directory")
            .to_owned(),
    }
}

pub(crate) fn wharf() -> PathBuf {
    programs().join("wharf")
}

/// The service that the tests run.
pub(crate) fn peer() -> String {
    example("peer")
}

/// An example of this package, as a program.
pub(crate) fn example(name: &str) -> String {
    programs().join("examples").join(name).display().to_string()
}

pub(crate) fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// Says aloud that a test cannot run here. The gate knows which may be skipped.
pub(crate) fn skip(name: &str, why: &str) {
    // Not eprintln: the test harness would capture it.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {why}");
}

impl World {
    pub(crate) fn new() -> Self {
        assert!(
            Path::new(&peer()).exists(),
            "the tests' service is not built: cargo build -p wharf --example peer"
        );
        let directory = tempfile::Builder::new()
            .prefix("wharf")
            .tempdir()
            .expect("a directory");
        fs::create_dir(directory.path().join("p")).expect("a project directory");
        World {
            directory,
            slice: Slice::hold(),
        }
    }

    /// The project's directory.
    pub(crate) fn project(&self) -> PathBuf {
        self.directory.path().join("p")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    pub(crate) fn door(&self) -> u16 {
        self.slice.first
    }

    /// Writes wharf.toml; `PEER` in it stands for the tests' service.
    pub(crate) fn file(&self, text: &str) -> &Self {
        self.write("wharf.toml", &text.replace("PEER", &peer()))
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
        self
    }

    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        [
            ("PATH", path),
            ("HOME", self.directory.path().display().to_string()),
            ("WHARF_STATE_DIR", self.state().display().to_string()),
            ("WHARF_DOOR_PORT", self.door().to_string()),
            ("WHARF_LEASE_RANGE", self.slice.leases()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(wharf());
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.project())
            .stdin(Stdio::null());
        command
    }

    /// Runs `wharf` with these arguments, to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(arguments))
    }

    pub(crate) fn finish(&self, mut command: Command) -> Ran {
        let output = command.output().expect("wharf runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts `wharf` with these arguments in a group of its own, and goes on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// `wharf up`, until everything is up.
    pub(crate) fn up(&self) -> Running {
        let running = self.start(&["up"]);
        running.await_line("up in ");
        running
    }

    /// Asks the running stack, as the commands do.
    pub(crate) fn client(&self) -> wharf_stack::control::Client {
        let runs = wharf_stack::rundir::RunDir::at(&self.state().join("run")).expect("a run directory");
        let stacks = runs.stacks();
        let files = stacks.first().expect("a stack runs");
        wharf_stack::control::Client::new(&files.socket())
    }

    pub(crate) fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.run(&["ps", "--json"]).ok()).expect("JSON")
    }

    /// One service of the status.
    pub(crate) fn service(&self, name: &str) -> serde_json::Value {
        let status = self.status();
        let services = status["services"].as_array().expect("services").clone();
        services
            .into_iter()
            .find(|service| service["name"] == name)
            .expect("the service")
    }

    /// Where a service finds what it needs, by its environment.
    pub(crate) fn variable(&self, service: &str, name: &str) -> String {
        let environment = self.run(&["env", service, "--json"]).ok();
        let environment: serde_json::Value = serde_json::from_str(&environment).expect("JSON");
        environment[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} is not in {environment}"))
            .to_owned()
    }

    /// The pids whose environment names this world's state directory.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let mark = format!("WHARF_STATE_DIR={}", self.state().display());
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environ
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == mark.as_bytes())
            })
            .collect()
    }

    /// Waits until no process of this world is left.
    #[track_caller]
    pub(crate) fn await_empty(&self) {
        let mut left = Vec::new();
        let empty = within(PATIENCE, || {
            left = self.processes();
            left.is_empty()
        });
        assert!(
            empty,
            "left behind: {:?}",
            left.iter().map(|pid| command_line(*pid)).collect::<Vec<_>>()
        );
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let left = || self.processes();
        // A test that failed may leave a stack: end it, so that the next is not disturbed.
        if std::thread::panicking() {
            for pid in left() {
                kill(pid, rustix::process::Signal::KILL);
            }
            return;
        }
        let empty = within(Duration::from_secs(20), || left().is_empty());
        let rest: Vec<String> = left().into_iter().map(command_line).collect();
        assert!(empty, "left behind by a test: {rest:?}");
    }
}

fn command_line(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    format!("{pid} {}", String::from_utf8_lossy(&line).replace('\0', " "))
}

/// Whether something comes true in time.
pub(crate) fn within(patience: Duration, mut is_true: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if is_true() {
            return true;
        }
        if begun.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until something comes true.
#[track_caller]
pub(crate) fn eventually(what: &str, is_true: impl FnMut() -> bool) {
    assert!(within(PATIENCE, is_true), "it never came about: {what}");
}

pub(crate) fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    // It may have ended by itself.
    let _ = rustix::process::kill_process(pid, signal);
}
