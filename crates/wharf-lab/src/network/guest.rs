//! A command at a host, and all that it starts.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

use crate::channel::Channel;
use crate::error::LabError;
use crate::lab::handle;
use crate::message::{Exit, FromInit, Names, Order};

/// A command at a host of a network.
///
/// Dropped, it ends, with all its descendants.
#[derive(Debug)]
pub struct Guest {
    /// To the first process of the command's side.
    init: Channel,
    /// What has joined the network for it.
    process: Child,
    /// Readable once the network's keeper is over, or what has joined.
    alive: [OwnedFd; 2],
}

impl Guest {
    pub(super) fn start(
        exe: &Path,
        before: &[String],
        command: &[OsString],
        names: Names,
        streams: [BorrowedFd<'_>; 3],
        keeper: OwnedFd,
    ) -> Result<Self, LabError> {
        let (init, end) = Channel::pair().map_err(LabError::io("make a channel"))?;
        init.send(&Order::Prepare(names), &streams)
            .map_err(LabError::io("hand the standard streams on"))?;
        let process = Command::new(exe)
            .args(before)
            .args(command)
            .stdin(Stdio::from(end))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(LabError::io("start the command's processes"))?;
        let joined = handle(process.id()).map_err(LabError::io("watch the command's processes"))?;
        let guest = Self {
            init,
            process,
            alive: [keeper, joined],
        };
        // If it has ended, it has said why, and that is heard when it is waited for.
        let _ = guest.init.send(&Order::Start, &[]);
        Ok(guest)
    }

    /// Sends the command a signal.
    pub fn signal(&self, number: i32) {
        // If its side is over, so is the command.
        let _ = self.init.send(&Order::Signal(number), &[]);
    }

    /// Waits for the command.
    ///
    /// # Errors
    /// When it could not be started, or a process of the lab was killed.
    pub fn wait(&self) -> Result<Exit, LabError> {
        let [keeper, joined] = &self.alive;
        let mut ready = [
            PollFd::new(&self.init, PollFlags::IN),
            PollFd::new(keeper, PollFlags::IN),
            PollFd::new(joined, PollFlags::IN),
        ];
        retry_on_intr(|| poll(&mut ready, None))
            .map_err(|errno| LabError::io("wait for the command")(errno.into()))?;
        // What it said last is there even if the others are not.
        if ready[0].revents().is_empty() {
            return Err(LabError::Killed("keeper of namespaces"));
        }
        let said = self.init.receive::<FromInit>();
        match said.map_err(LabError::io("wait for the command"))? {
            Some((FromInit::Exited(exit), _)) => Ok(exit),
            Some((FromInit::Failed(trouble), _)) => Err(trouble.into()),
            None => Err(LabError::Killed("first process")),
        }
    }

    /// Whether the command has ended, or could not be started.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let mut ready = [PollFd::new(&self.init, PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut ready, Some(&now)).is_ok() && !ready[0].revents().is_empty()
    }

    /// Readable once the command has ended.
    #[must_use]
    pub fn watch(&self) -> BorrowedFd<'_> {
        self.init.as_fd()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Its first process ends, and takes all others with it; what has joined waits for that.
        let _: io::Result<()> =
            rustix::net::shutdown(&self.init, rustix::net::Shutdown::Both).map_err(Into::into);
        let _ = self.process.wait();
    }
}
