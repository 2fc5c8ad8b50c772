//! Readiness by `sd_notify(3)`: the service sends `READY=1` to the socket in `NOTIFY_SOCKET`.
//!
//! Each service gets a socket of its own, so that a message needs no guess about its sender.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// A socket that one service reports to; its file goes with it.
#[derive(Debug)]
pub struct NotifySocket {
    socket: UnixDatagram,
    path: PathBuf,
}

impl NotifySocket {
    /// Binds the socket at `path`, over a stale one.
    ///
    /// # Errors
    /// If it cannot be bound there.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixDatagram::bind(path)?;
        socket.set_nonblocking(true)?;
        Ok(NotifySocket {
            socket,
            path: path.to_owned(),
        })
    }

    /// Where the service finds it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the service has said that it is ready, since the last call.
    #[must_use]
    pub fn said_ready(&self) -> bool {
        let mut message = [0; 4096];
        let mut ready = false;
        // Bounded: a service that floods its socket is looked at again at the next poll.
        for _ in 0..64 {
            match self.socket.recv(&mut message) {
                Ok(length) => {
                    let text = String::from_utf8_lossy(&message[..length]);
                    ready |= text.lines().any(|line| line == "READY=1");
                }
                Err(_) => break,
            }
        }
        ready
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_said_by_a_line_of_its_own() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = NotifySocket::bind(&directory.path().join("n")).expect("bound");
        let service = UnixDatagram::unbound().expect("a socket");
        for (message, ready) in [
            ("STATUS=READY=1", false),
            ("READY=0", false),
            ("STATUS=up\nREADY=1", true),
            ("", false),
        ] {
            service.send_to(message.as_bytes(), socket.path()).expect("sent");
            assert_eq!(socket.said_ready(), ready, "{message}");
        }
    }
}
