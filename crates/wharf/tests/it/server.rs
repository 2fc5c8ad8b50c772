//! Programs that a test runs beside wharf: servers, clients, and what makes a situation. Each is
//! ended with its test.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::process::Signal;
use wharf_host::sockets;

use crate::world::{World, eventually, kill, peer};

/// A program that runs beside wharf.
pub(crate) struct Beside {
    pub(crate) child: Child,
}

impl Beside {
    /// Starts `command` with this world's environment, in its project unless it says otherwise, in a
    /// process group of its own.
    pub(crate) fn start(world: &World, mut command: Command) -> Self {
        if command.get_current_dir().is_none() {
            command.current_dir(world.project());
        }
        let child = command
            .envs(world.environment())
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Beside { child }
    }

    /// The tests' service in this mode, on this port.
    pub(crate) fn peer(world: &World, mode: &str, port: u16) -> Self {
        let mut command = Command::new(peer());
        command
            .arg(mode)
            .env("PORT", port.to_string())
            .current_dir(world.project());
        let beside = Self::start(world, command);
        await_listener(port);
        beside
    }

    /// Python 3 that runs `program`, and has said `ready` by the time this returns.
    pub(crate) fn python(world: &World, program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("python3");
        command.arg("-c").arg(program).args(arguments);
        Self::until_ready(world, command)
    }

    /// Starts `command`, and waits until it has said `ready`.
    pub(crate) fn until_ready(world: &World, mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut beside = Self::start(world, command);
        let stdout = beside.child.stdout.take().expect("piped");
        let mut lines = BufReader::new(stdout).lines();
        let said = lines.next().and_then(Result::ok);
        assert_eq!(said.as_deref(), Some("ready"), "it never was");
        beside
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_none()
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn await_end(&mut self) {
        eventually("it ends", || !self.runs());
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // The group: what it started ends with it. SIGKILL ends also what stands still.
        let group = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// A port that nobody has on either family just now, below those that the kernel gives out and
/// beside those of the tests' doors and leases.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id() % 3500).expect("small");
    (0..3500)
        .map(|_| 11_000 + (offset + NEXT.fetch_add(1, Ordering::Relaxed)) % 3500)
        .find(|&port| {
            let is_free = |address: &str| TcpListener::bind((address, port)).is_ok();
            is_free("0.0.0.0") && is_free("::1")
        })
        .expect("a free port")
}

/// Waits until somebody listens on `port`, without connecting.
#[track_caller]
pub(crate) fn await_listener(port: u16) {
    eventually(&format!("somebody listens on {port}"), || {
        let listeners = sockets::listeners().expect("the kernel answers");
        listeners.iter().any(|socket| socket.local.port() == port)
    });
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
