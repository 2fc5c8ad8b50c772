//! The lock that says who serves: `flock` on `door.lock`.
//!
//! Such a lock belongs to the open file description, not to the process: it can be passed on together with
//! the listeners (so it is never free in between), and the kernel lets go of it when the last descriptor of it
//! is closed, however the process ended. The file is never removed: two processes could then hold two locks.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::DoorError;

/// The lock, held. Let go by closing it; never by unlocking, which would also free a copy that was passed on.
#[derive(Debug)]
pub(crate) struct Lock(OwnedFd);

impl Lock {
    /// A lock that another process held and passed on.
    pub(crate) fn passed_on(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Opens the lock file, close-on-exec as everything std opens: no child may inherit it.
pub(crate) fn open(run_dir: &Path) -> Result<File, DoorError> {
    let path = run_dir.join("door.lock");
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(DoorError::file("open", path))
}

/// The lock if it is free, else the file back.
pub(crate) fn try_take(file: File, run_dir: &Path) -> Result<Result<Lock, File>, DoorError> {
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Ok(Lock(file.into()))),
        Err(Errno::WOULDBLOCK) => Ok(Err(file)),
        Err(error) => Err(DoorError::file("lock", run_dir.join("door.lock"))(error.into())),
    }
}

/// Sleeps until the lock is ours.
pub(crate) fn wait(file: File) -> Option<Lock> {
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Some(Lock(file.into())),
            // A signal handler ran: sleep on.
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}
