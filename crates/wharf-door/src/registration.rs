//! What a stack says about itself to whoever serves the door.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::process;

/// The end of a registration's file name.
pub(crate) const SUFFIX: &str = ".door.json";

/// A stack's names and where they lead: the file `HASH.door.json` of the run directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The stack's name.
    pub stack: String,
    /// The process that speaks for the stack. The file counts while it lives.
    pub pid: u32,
    /// When that process started, in clock ticks since boot.
    pub start_time: u64,
    /// Names, and the addresses behind each.
    pub hosts: BTreeMap<String, Vec<SocketAddr>>,
}

/// A registration that stands until this is dropped.
#[derive(Debug)]
pub struct Published {
    path: PathBuf,
}

impl Registration {
    /// A registration of this process.
    pub fn of_this_process(stack: impl Into<String>, hosts: BTreeMap<String, Vec<SocketAddr>>) -> Self {
        Self {
            stack: stack.into(),
            pid: std::process::id(),
            start_time: process::own_start_time(),
            hosts,
        }
    }

    /// Writes `ID.door.json`, atomically, over an older one of the same id.
    pub fn publish(&self, run_dir: &Path, id: &str) -> io::Result<Published> {
        let path = run_dir.join(format!("{id}{SUFFIX}"));
        write_atomically(&path, &serde_json::to_vec(self)?)?;
        Ok(Published { path })
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        // Nothing to do about a failure: the file stops counting when this process ends.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whoever reads `path` sees the old contents or the new, never a part.
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(contents))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
