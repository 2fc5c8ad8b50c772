use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Descriptors that one message may carry: three standard streams and the listeners of a
/// service with a hold for each of its ports.
pub(super) const MAX_FDS: usize = 32;
/// The longest message: Linux allows an environment of a few megabytes (execve(2)).
const MAX_FRAME: u32 = 16 * 1024 * 1024;

/// A process to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// What its exit and its signals are reported and ordered under; unique in a run.
    pub instance: String,
    /// The program, as the shim will execute it, and its arguments.
    pub argv: Vec<String>,
    /// The command that enters its network and becomes the command that follows; empty: the machine's network.
    pub enter: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// The user that it shall run as.
    pub user: Option<crate::shim::RunAs>,
    /// A cgroup directory to join.
    pub cgroup: Option<PathBuf>,
    /// Whether its standard input is a terminal that it shall control.
    pub terminal: crate::shim::Terminal,
    /// The names of the listening sockets that follow the three standard streams.
    pub sockets: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Command {
    Launch(Box<Launch>),
    Signal { instance: String, signal: i32 },
    Kill { instance: String },
}

/// What the guardian reports.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The instance's process runs.
    Launched {
        /// Which instance.
        instance: String,
        /// Its process.
        pid: u32,
    },
    /// The instance could not be started.
    NotLaunched {
        /// Which instance.
        instance: String,
        /// Why.
        why: String,
    },
    /// The instance's process ended.
    Exited {
        /// Which instance.
        instance: String,
        /// How.
        exit: crate::supervise::Exit,
    },
    /// The guardian itself ended: nothing of the stack is guarded any more. Never sent: it is what
    /// the end of the stream says.
    #[serde(skip)]
    Lost,
}

/// Sends one message: its length, with the descriptors attached, then JSON.
pub(super) fn send(
    socket: &mut UnixStream,
    message: &impl Serialize,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let body = serde_json::to_vec(message).map_err(io::Error::other)?;
    let length = u32::try_from(body.len())
        .ok()
        .filter(|length| *length <= MAX_FRAME)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"))?;
    let header = length.to_be_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "too many descriptors for one message",
        ));
    }
    let sent = loop {
        match sendmsg(
            socket.as_fd(),
            &[IoSlice::new(&header)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    socket.write_all(&header[sent..])?;
    socket.write_all(&body)
}

/// Receives one message and its descriptors; `None` at the end of the stream.
pub(super) fn receive<T: DeserializeOwned>(socket: &mut UnixStream) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut header = [0_u8; 4];
    let mut fds = Vec::new();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        let mut buffers = [IoSliceMut::new(&mut header)];
        match recvmsg(
            socket.as_fd(),
            &mut buffers,
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    if got == 0 {
        return Ok(None);
    }
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    socket.read_exact(&mut header[got..])?;
    let length = u32::from_be_bytes(header);
    if length > MAX_FRAME {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the message is too long",
        ));
    }
    let mut body = vec![0; length as usize];
    socket.read_exact(&mut body)?;
    let message = serde_json::from_slice(&body).map_err(io::Error::other)?;
    Ok(Some((message, fds)))
}
