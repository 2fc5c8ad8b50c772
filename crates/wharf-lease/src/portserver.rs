//! The portserver protocol, which test suites speak that use `portpicker`.
//!
//! A client connects to the Unix socket that `PORTSERVER_ADDRESS` names, sends the pid of the
//! process that wants a port in decimal with a newline, and reads a port in decimal with a newline.
//! One port a connection. What is not such a request, or names a process that does not run, is
//! answered by the end of the connection and not one byte. Nothing gives a port back but the
//! process's end: a pid that has another start time is another process.
//!
//! Unlike other servers of this protocol, this one keeps what it gave in the registry, so that its
//! ports and Wharf's leases exclude each other, and answers only its own user and root.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wharf_host::process;

use crate::pids::Client;
use crate::{Error, Registry, Result};

/// A request is a pid and a newline; none is longer.
const LONGEST: usize = 20;
/// How long a client may take for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long is waited for more when there is no newline yet: some clients send none.
const NEWLINE: Duration = Duration::from_millis(500);
/// So many clients are answered at a time; the next wait in the kernel's backlog.
const AT_ONCE: usize = 32;
/// How often `stop` is asked.
const INTERVAL: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Listens at `address`: a path, or on Linux `@name` in the abstract namespace. A socket file that
/// nobody listens at any more is replaced.
///
/// # Errors
/// When the address is in use, or cannot be.
pub fn bind(address: &str) -> Result<UnixListener> {
    let fail = |source| Error::StateDir {
        operation: "listen for portserver clients at",
        path: address.into(),
        source,
    };
    match address.strip_prefix('@') {
        Some(name) => bind_abstract(name).map_err(fail),
        None => bind_path(Path::new(address)).map_err(fail),
    }
}

#[cfg(target_os = "linux")]
fn bind_abstract(name: &str) -> io::Result<UnixListener> {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    UnixListener::bind_addr(&address)
}

#[cfg(not(target_os = "linux"))]
fn bind_abstract(_: &str) -> io::Result<UnixListener> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "abstract addresses are Linux's; use a path",
    ))
}

fn bind_path(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt;
    let is_dead = || {
        path.symlink_metadata()
            .is_ok_and(|metadata| metadata.file_type().is_socket())
            && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_dead() => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        other => other,
    }
}

/// Answers clients until `stop` says so.
///
/// # Errors
/// When the listener fails. A client's failure is only that client's.
pub fn serve(listener: &UnixListener, registry: &Registry, stop: impl Fn() -> bool) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let turn = AtomicU64::new(0);
    let gate = Gate::default();
    std::thread::scope(|scope| {
        while !stop() {
            let mut readiness = [PollFd::new(listener, PollFlags::IN)];
            match poll(&mut readiness, Some(&INTERVAL)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(errno.into()),
            }
            let client = match listener.accept() {
                Ok((client, _)) => client,
                Err(error) if is_the_clients(&error) => continue,
                Err(error) => return Err(error),
            };
            gate.enter();
            let (turn, gate) = (&turn, &gate);
            scope.spawn(move || {
                // Whatever went wrong, the client sees the end of the connection.
                let _ = answer(&client, registry, turn);
                gate.leave();
            });
        }
        Ok(())
    })
}

/// Whether accept() failed for the one client only, or for now.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

fn answer(client: &UnixStream, registry: &Registry, turn: &AtomicU64) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_write_timeout(Some(PATIENCE))?;
    if !is_trusted(client) {
        return Ok(());
    }
    let Some(pid) = parse(&request(client)?) else {
        return Ok(());
    };
    let Some(start_time) = process::start_time(pid) else {
        return Ok(());
    };
    if !process::is_alive(pid, start_time) {
        return Ok(());
    }
    let turn = turn.fetch_add(1, Ordering::Relaxed);
    match registry.lease_for_pid(Client { pid, start_time }, turn) {
        Ok(port) => {
            let mut client = client;
            client.write_all(format!("{port}\n").as_bytes())
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Whether the client is of our user, or root. The kernel says so; an abstract address has no mode
/// to keep the others out.
#[cfg(target_os = "linux")]
fn is_trusted(client: &UnixStream) -> bool {
    let ours = rustix::process::geteuid();
    rustix::net::sockopt::socket_peercred(client).is_ok_and(|peer| peer.uid == ours || peer.uid.is_root())
}

#[cfg(not(target_os = "linux"))]
fn is_trusted(_: &UnixStream) -> bool {
    true // The path's mode decides.
}

/// What the client sent: up to a newline, the end, the longest request and one byte more, or
/// until nothing more comes.
fn request(mut client: &UnixStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    client.set_read_timeout(Some(PATIENCE))?;
    while bytes.len() <= LONGEST && !bytes.contains(&b'\n') {
        let mut some = [0; LONGEST + 1];
        match client.read(&mut some) {
            Ok(0) => break,
            Ok(length) => bytes.extend(some.get(..length).unwrap_or(&[])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !bytes.is_empty() => break,
            Err(error) => return Err(error),
        }
        client.set_read_timeout(Some(NEWLINE))?;
    }
    Ok(bytes)
}

/// The pid that a request names. Not 1: init wants no port, and never ends.
fn parse(request: &[u8]) -> Option<u32> {
    if request.len() > LONGEST {
        return None;
    }
    let pid: i32 = std::str::from_utf8(request).ok()?.trim().parse().ok()?;
    u32::try_from(pid).ok().filter(|&pid| pid > 1)
}

/// Counts who is inside, and lets no more in than [`AT_ONCE`].
#[derive(Default)]
struct Gate {
    inside: Mutex<usize>,
    left: Condvar,
}

impl Gate {
    fn enter(&self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        while *inside >= AT_ONCE {
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        *inside += 1;
    }

    fn leave(&self) {
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_pid_and_nothing_else() {
        for (request, expected) in [
            ("812\n", Some(812)),
            ("812", Some(812)),
            (" 812 \r\n", Some(812)),
            ("2147483647\n", Some(i32::MAX as u32)),
            ("1\n", None),
            ("0\n", None),
            ("-5\n", None),
            ("2147483648\n", None),
            ("00000000000000000812\n", None),
            ("pid\n", None),
            ("", None),
            ("\n", None),
        ] {
            assert_eq!(parse(request.as_bytes()), expected, "{request:?}");
        }
        assert_eq!(parse(&[0xff, b'\n']), None);
    }
}
