//! Leases on the real machine: real sockets on the loopback device, real processes, real kills.
//!
//! A test that needs other processes executes this very binary again, as the ignored test
//! `worker::worker` with a role in its environment: see `worker`.

#![cfg(target_os = "linux")]

mod bad_disk;
mod crowd;
mod damage;
mod fd;
mod hold;
mod holder;
mod kill;
mod leases;
mod namespace;
mod own;
mod portserver;
mod verify;
mod worker;

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use socket2::{Domain, Socket, Type};
use wharf_lease::{Checkout, Key, Registry, RegistryConfig, StateDir};

/// A registry of the test's own, and a checkout to lease for.
struct Place {
    directory: tempfile::TempDir,
    registry: Registry,
}

impl Place {
    fn new() -> Self {
        Self::with(RegistryConfig::default())
    }

    fn with(config: RegistryConfig) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let registry = Registry::open(&StateDir::at(directory.path()), config).expect("a registry");
        Self { directory, registry }
    }

    fn state(&self) -> StateDir {
        StateDir::at(self.directory.path())
    }

    /// The same registry, as another process would open it.
    fn again(&self) -> Registry {
        Registry::open(&self.state(), RegistryConfig::default()).expect("a registry")
    }

    fn key(&self, service: &str) -> Key {
        Key::main(Checkout::at(self.directory.path()).expect("a checkout"), service)
    }
}

/// How a server binds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reuse {
    Yes,
    No,
}

/// Binds as a server would.
fn bind(address: SocketAddr, reuse: Reuse) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(reuse == Reuse::Yes)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Binds and listens as a server would.
fn serve(address: SocketAddr, reuse: Reuse) -> std::io::Result<TcpListener> {
    let socket = bind(address, reuse)?;
    socket.listen(16)?;
    Ok(socket.into())
}

fn v4(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn v6(port: u16) -> SocketAddr {
    SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port))
}

/// Taken by whoever forks, and read by tests to whom it matters that a socket which they close is
/// closed: between fork and exec a child has a copy of each.
static FORKS: RwLock<()> = RwLock::new(());

/// While this lives, this process does not fork.
fn no_forks() -> RwLockReadGuard<'static, ()> {
    FORKS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a child. When this returns, it has executed its program.
fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let _alone = FORKS.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Asks again until `condition` holds; a bounded number of times.
#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}: not within twenty seconds");
}

/// Says that `test` could not be tried here. Past the harness, which would swallow it.
fn skip(test: &str, why: impl std::fmt::Display) {
    use std::io::Write;
    // In one write, or the harness would write in between.
    let line = format!("SKIPPED: {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
