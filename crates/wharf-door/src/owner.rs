//! The note by which the serving process tells the others where the door is: `door.owner`.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::process;
use crate::registration::write_atomically;

/// Who serves the door, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerNote {
    /// The serving process.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
    /// Where it serves.
    pub addresses: Vec<SocketAddr>,
    /// Why it does not serve at each of the door's own addresses; empty if it does.
    pub lost: Vec<String>,
}

impl OwnerNote {
    /// The note in `run_dir`, if the process that wrote it lives.
    pub fn read(run_dir: &Path) -> Option<Self> {
        let text = std::fs::read(path(run_dir)).ok()?;
        let note: Self = serde_json::from_slice(&text).ok()?;
        process::is_alive(note.pid, note.start_time).then_some(note)
    }

    pub(crate) fn of_this_process(addresses: Vec<SocketAddr>, lost: Vec<String>) -> Self {
        Self {
            pid: std::process::id(),
            start_time: process::own_start_time(),
            addresses,
            lost,
        }
    }

    pub(crate) fn write(&self, run_dir: &Path) -> io::Result<()> {
        write_atomically(&path(run_dir), &serde_json::to_vec(self)?)
    }

    /// Removes the note. Only the lock's owner may, or it would remove its successor's.
    pub(crate) fn remove(run_dir: &Path) {
        // A note that stays behind is that of a dead process, and read as none.
        let _ = std::fs::remove_file(path(run_dir));
    }
}

fn path(run_dir: &Path) -> PathBuf {
    run_dir.join("door.owner")
}
