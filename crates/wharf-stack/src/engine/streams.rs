use std::io;
use std::os::fd::OwnedFd;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::Interactive;
use crate::shim::Terminal;

/// The standard streams of a service: our end and its end of each.
pub(super) struct Streams {
    pub(super) stdin: (OwnedFd, OwnedFd),
    pub(super) stdout: (OwnedFd, OwnedFd),
    pub(super) stderr: (OwnedFd, OwnedFd),
    pub(super) terminal: Terminal,
}

impl Streams {
    pub(super) fn open(interactive: Interactive, user: Option<crate::shim::RunAs>) -> io::Result<Self> {
        // A terminal belongs to whoever opened it: another user's service gets a pipe.
        let terminal = match (interactive, user) {
            (Interactive::Terminal, None) => Terminal::Control,
            _ => Terminal::None,
        };
        let stdin = match terminal {
            Terminal::Control => pty()?,
            Terminal::None => {
                let (reader, writer) = io::pipe()?;
                (writer.into(), reader.into())
            }
        };
        Ok(Streams {
            stdin,
            stdout: output()?,
            stderr: output()?,
            terminal,
        })
    }
}

fn output() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

fn pty() -> io::Result<(OwnedFd, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let path = ptsname(&master, Vec::new())?;
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let slave = rustix::fs::open(path.as_c_str(), flags, rustix::fs::Mode::empty())?;
    Ok((master, slave))
}
