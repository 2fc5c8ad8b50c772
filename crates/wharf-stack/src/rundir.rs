//! The run directory: where running stacks are found.
//!
//! One directory a user, 0700: `$XDG_RUNTIME_DIR/wharf`, or without one `run` in the user's
//! state directory. For each running stack it has, under a hash of the stack's identity
//! (a socket's path may have 107 bytes, unix(7)):
//!
//! - `HASH.sock`, the control socket, 0600;
//! - `HASH.lock`, locked (flock(2)) for as long as the stack's process lives;
//! - `HASH.run.json`, the run's record, by which the next `wharf` ends what a killed one left;
//! - `HASH.door.json`, the names under which the door finds it.
//!
//! A file is written beside its place and renamed into it: a reader sees the old or the new.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use wharf_host::process;
use wharf_lease::StateDir;

use crate::guardian::family;

/// For so long a guardian is given to end what its Wharf left: it gives up before.
const GUARDIAN_TAKES: Duration = Duration::from_secs(25);

/// What can be wrong with the run directory.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// It or a file in it could not be made or read.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It belongs to another user, or others may enter it.
    #[error("use {} as the run directory: {why}", path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunDirError {
    let path = path.to_owned();
    move |source| RunDirError::File { what, path, source }
}

/// The user's run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// The run directory at `path`, made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made, or is not this user's alone.
    pub fn at(path: &Path) -> Result<Self, RunDirError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed("make the directory", path))?;
        let metadata = fs::metadata(path).map_err(failed("look at", path))?;
        let unsafe_because = |why| RunDirError::Unsafe {
            path: path.to_owned(),
            why,
        };
        if metadata.uid() != rustix::process::getuid().as_raw() {
            return Err(unsafe_because("it belongs to another user"));
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))
                .map_err(failed("make private", path))?;
        }
        Ok(RunDir(path.to_owned()))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The files of the stack with this identity.
    #[must_use]
    pub fn files(&self, identity: &str) -> StackFiles {
        StackFiles {
            dir: self.0.clone(),
            stem: hash(identity),
        }
    }

    /// The files of each stack that has a record here.
    #[must_use]
    pub fn stacks(&self) -> Vec<StackFiles> {
        let Ok(entries) = fs::read_dir(&self.0) else {
            return Vec::new();
        };
        let mut stems: Vec<String> = entries
            .flatten()
            .filter_map(|entry| {
                entry
                    .file_name()
                    .to_str()?
                    .strip_suffix(".run.json")
                    .map(str::to_owned)
            })
            .collect();
        stems.sort();
        stems
            .into_iter()
            .map(|stem| StackFiles {
                dir: self.0.clone(),
                stem,
            })
            .collect()
    }

    /// Ends what killed runs left behind: where neither Wharf nor the guardian of a record
    /// is alive, its marked processes are killed and its files removed. Returns the number
    /// of processes ended.
    #[must_use]
    pub fn sweep(&self) -> usize {
        self.stacks()
            .iter()
            .filter_map(|files| Some((files, files.record()?)))
            .filter(|(_, record)| !record.wharf.is_alive() && !record.guardian.is_alive())
            .map(|(files, record)| files.end(&record))
            .sum()
    }
}

/// 16 hex digits of FNV-1a over the identity: a name for files, not a secret.
fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// A process, told from a later one with the same pid by its start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    /// Its pid.
    pub pid: u32,
    /// Its start time in clock ticks since boot (proc_pid_stat(5), field 22).
    pub start_time: u64,
}

impl ProcessMark {
    /// The mark of a process that runs now.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        process::start_time(pid).map(|start_time| ProcessMark { pid, start_time })
    }

    /// Whether that very process still runs.
    #[must_use]
    pub fn is_alive(self) -> bool {
        process::is_alive(self.pid, self.start_time)
    }
}

/// What is written down of a run while it lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The stack's name.
    pub stack: String,
    /// The stack's identity.
    pub identity: String,
    /// The mark in the environment of its processes.
    pub run_id: String,
    /// The stack's process.
    pub wharf: ProcessMark,
    /// Its guardian.
    pub guardian: ProcessMark,
    /// The cgroups that it made.
    pub cgroups: Vec<PathBuf>,
}

/// The files of one stack in the run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackFiles {
    dir: PathBuf,
    stem: String,
}

impl StackFiles {
    /// Ends what is left of the run before, whose lock the caller holds now. A guardian that
    /// still lives is about to do so itself, and is waited for.
    pub fn end_last_run(&self) -> usize {
        let Some(record) = self.record() else {
            self.remove();
            return 0;
        };
        let begun = Instant::now();
        while record.guardian.is_alive() && begun.elapsed() < GUARDIAN_TAKES {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.end(&record)
    }

    fn end(&self, record: &RunRecord) -> usize {
        // First those with a mark, since these can be waited for by name.
        let ended = family::sweep_run(&record.run_id, record.wharf.start_time);
        for cgroup in &record.cgroups {
            crate::cgroup::empty(cgroup);
            crate::cgroup::remove(cgroup);
        }
        self.remove();
        ended
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.dir.join(format!("{}.{suffix}", self.stem))
    }

    /// Where the logs of the stack's services are kept, also when it does not run.
    #[must_use]
    pub fn log_directory(&self, state: &StateDir) -> PathBuf {
        state.path().join("logs").join(&self.stem)
    }

    /// The control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.file("sock")
    }

    /// The socket by which one start of a service says that it is ready.
    #[must_use]
    pub fn notify_socket(&self, start: u64) -> PathBuf {
        self.file(&format!("{start}.notify"))
    }

    /// The log of a stack in the background.
    #[must_use]
    pub fn background_log(&self) -> PathBuf {
        self.file("log")
    }

    /// The run's record, if there is a readable one.
    #[must_use]
    pub fn record(&self) -> Option<RunRecord> {
        let text = fs::read(self.file("run.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes the run's record.
    ///
    /// # Errors
    /// If the directory cannot be written: a full disk, a read-only file system.
    pub fn write_record(&self, record: &RunRecord) -> Result<(), RunDirError> {
        write_whole(&self.file("run.json"), record)
    }

    /// Writes the names for the door.
    ///
    /// # Errors
    /// As [`StackFiles::write_record`].
    pub fn write_door(&self, registration: &impl Serialize) -> Result<(), RunDirError> {
        write_whole(&self.file("door.json"), registration)
    }

    /// Takes the stack's lock; `None` if a living process has it.
    ///
    /// # Errors
    /// If the lock file cannot be made.
    pub fn lock(&self) -> Result<Option<StackLock>, RunDirError> {
        let path = self.file("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed("open the lock", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(StackLock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(failed("lock", &path)(error.into())),
        }
    }

    /// Removes all files of the stack but its lock (which the next may be waiting for).
    pub fn remove(&self) {
        for suffix in ["sock", "run.json", "door.json"] {
            let _ = fs::remove_file(self.file(suffix));
        }
    }
}

/// The lock of a running stack; let go when dropped, or by the kernel when the process ends.
#[derive(Debug)]
pub struct StackLock(#[expect(dead_code, reason = "held for the lock on it")] File);

fn write_whole(path: &Path, value: &impl Serialize) -> Result<(), RunDirError> {
    let beside = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        fs::rename(&beside, path)
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&beside);
        failed("write", path)(source)
    })
}
