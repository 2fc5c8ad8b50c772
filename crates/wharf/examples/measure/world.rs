//! A directory with its own state and door, the programs, and the end of whatever was started.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::Result;

/// So long may a stack take to be gone.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

pub(crate) struct World {
    directory: tempfile::TempDir,
    wharf: PathBuf,
    /// The service of the tests, which is the service here.
    pub(crate) peer: PathBuf,
    door: u16,
}

impl World {
    pub(crate) fn new() -> Result<Self> {
        let own = std::env::current_exe()?;
        let examples = own.parent().ok_or("this program has no directory")?;
        let target = examples.parent().ok_or("this program has no target directory")?;
        let directory = tempfile::Builder::new().prefix("wharf-measure").tempdir()?;
        let world = World {
            wharf: built(target.join("wharf"))?,
            peer: built(examples.join("peer"))?,
            door: free_door()?,
            directory,
        };
        end_on_signals(world.path().to_owned())?;
        Ok(world)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A folder for a project, with this wharf.toml; `PEER` in it stands for the service.
    pub(crate) fn project(&self, name: &str, file: &str) -> Result<PathBuf> {
        let folder = self.path().join(name);
        fs::create_dir(&folder)?;
        fs::write(
            folder.join("wharf.toml"),
            file.replace("PEER", &self.peer.display().to_string()),
        )?;
        Ok(folder)
    }

    /// `wharf`, to be run in this folder.
    pub(crate) fn wharf(&self, folder: &Path, arguments: &[&str]) -> Command {
        self.wharf_with_state(folder, &self.path().join("state"), arguments)
    }

    /// `wharf` with a state directory of its own within ours, such as one never used.
    pub(crate) fn wharf_with_state(&self, folder: &Path, state: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.wharf);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("WHARF_STATE_DIR", self.path().join(state))
            .env("WHARF_DOOR_PORT", self.door.to_string())
            .current_dir(folder);
        command
    }

    /// Runs `wharf` to its end, and returns what it printed.
    pub(crate) fn ask(&self, folder: &Path, arguments: &[&str]) -> Result<String> {
        let output = self.wharf(folder, arguments).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("wharf {}: {}", arguments.join(" "), said.trim()).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Waits until nothing of this world runs any more.
    pub(crate) fn await_quiet(&self) -> Result<()> {
        match within(PATIENCE, || processes(self.path()).is_empty()) {
            true => Ok(()),
            false => Err("a stack that was taken down is still there".into()),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        end_all(self.path());
    }
}

/// Seconds from the start of a command until its end.
pub(crate) fn time(mut command: Command) -> Result<f64> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    let took = begun.elapsed();
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    Ok(took.as_secs_f64())
}

/// Whether something comes true in time.
pub(crate) fn within(patience: Duration, mut is_true: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if is_true() {
            return true;
        }
        if begun.elapsed() > patience {
            return false;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn built(program: PathBuf) -> Result<PathBuf> {
    if program.is_file() {
        return Ok(program);
    }
    let how = "build it: cargo build --release -p wharf --bins --examples";
    Err(format!("there is no {}; {how}", program.display()).into())
}

/// A port that neither family has in use, above those that the kernel gives out.
fn free_door() -> Result<u16> {
    let is_free = |port: &u16| {
        ["127.0.0.1", "::1"]
            .iter()
            .all(|host| TcpListener::bind((*host, *port)).is_ok())
    };
    (61_000..62_000)
        .find(is_free)
        .ok_or_else(|| "no port is free for the door".into())
}

/// Ctrl-C skips every drop: the stacks in the background must be ended all the same.
fn end_on_signals(directory: PathBuf) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            end_all(&directory);
            let _ = fs::remove_dir_all(&directory);
            std::process::exit(130);
        }
    });
    Ok(())
}

/// Ends what runs with a state directory in this one: first as a user would, by a signal to
/// the stacks, which end their services; and then whatever is left.
fn end_all(directory: &Path) {
    for signal in [Signal::TERM, Signal::KILL] {
        for pid in processes(directory) {
            if let Some(pid) = Pid::from_raw(pid) {
                // It may have ended by itself.
                let _ = kill_process(pid, signal);
            }
        }
        if within(PATIENCE, || processes(directory).is_empty()) {
            return;
        }
    }
}

/// The processes whose environment names a state directory in this one.
fn processes(directory: &Path) -> Vec<i32> {
    let mark = format!("WHARF_STATE_DIR={}/", directory.display());
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ
            .split(|byte| *byte == 0)
            .any(|variable| variable.starts_with(mark.as_bytes()))
    })
    .collect()
}
