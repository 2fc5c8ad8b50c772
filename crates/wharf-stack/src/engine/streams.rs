use std::io;
use std::os::fd::OwnedFd;

use super::Interactive;
use crate::pty;
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
            Terminal::Control => pty::open()?,
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
