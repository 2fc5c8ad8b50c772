//! A process, and why it is there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Process, Reason, Seen, Usage};

/// A process, as far as the viewer may see it. [`Process`] is its name card; this is the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProcessFacts {
    /// Its number.
    pub pid: u32,
    /// Its parent's number; 0 where it has none that can be seen.
    pub parent: u32,
    /// When it started, in clock ticks since boot; with the pid, its identity.
    pub start_time: u64,
    /// When it started, in seconds since 1970 (UTC).
    pub started_at: Seen<u64>,
    /// Its name (`comm`, at most 15 bytes).
    pub name: String,
    /// What it does.
    pub state: ProcessState,
    /// The user it runs as.
    pub uid: Seen<u32>,
    /// That user's name.
    pub user: Seen<String>,
    /// The file it runs; ` (deleted)` at the end where that is gone.
    pub exe: Seen<String>,
    /// Its command line, cut at 64 KiB, and without what its own words call a secret; empty for a
    /// kernel thread.
    pub command: Seen<Vec<String>>,
    /// Its working directory.
    pub cwd: Seen<String>,
    /// The checkout that its working directory lies in.
    pub checkout: Seen<Option<Checkout>>,
    /// Its session's number.
    pub session: u32,
    /// Its process group's number.
    pub group: u32,
    /// Its terminal: `pts/3`, `tty1`.
    pub terminal: Option<String>,
    /// Who traces it: a debugger.
    pub traced_by: Option<u32>,
    /// The path of its cgroup.
    pub cgroup: Seen<Option<String>>,
    /// The systemd unit that its cgroup belongs to: `nginx.service`, `session-3.scope`.
    pub unit: Option<Unit>,
    /// The id of the container that its cgroup belongs to, in full.
    pub container: Option<String>,
    /// Its network namespace, by inode number.
    pub netns: Seen<u64>,
    /// Those of its environment's variables that decide where it listens and whom it asks:
    /// [`ENVIRONMENT`]. Never another.
    pub environment: Seen<Vec<Variable>>,
    /// Its open descriptors, and how many it may have.
    pub descriptors: Seen<Usage>,
    /// Processor time used, in clock ticks.
    pub cpu_ticks: u64,
    /// Memory that is in RAM, in bytes.
    pub memory: Seen<u64>,
    /// Why it is there.
    pub reason: Seen<Reason>,
}

impl ProcessFacts {
    /// Its name card, where the user is known.
    #[must_use]
    pub fn card(&self) -> Option<Process> {
        Some(Process {
            pid: self.pid,
            start_time: self.start_time,
            name: self.name.clone(),
            command: self.command.known().cloned().unwrap_or_default(),
            cwd: self.cwd.known().map(Into::into),
            uid: *self.uid.known()?,
        })
    }
}

/// The only variables of other processes' environments that a snapshot may hold: they decide
/// where a program listens, whom it asks, and by which session it was started. None is ever a
/// secret by custom; passwords within URLs are replaced by `***` all the same.
#[rustfmt::skip]
pub const ENVIRONMENT: &[&str] = &[
    "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_URLS", "BINDING", "BIND", "FLASK_RUN_HOST", "FLASK_RUN_PORT",
    "HOST", "HOSTNAME", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "INVOCATION_ID",
    "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS",
    "LISTEN_FDS", "LISTEN_PID", "NODE_ENV", "NODE_OPTIONS", "NOTIFY_SOCKET",
    "PORT", "ROCKET_PORT", "SERVER_PORT", "SSH_CONNECTION", "SSH_TTY", "TERM_PROGRAM", "TMUX", "STY",
    "UVICORN_HOST", "UVICORN_PORT", "VITE_PORT", "VSCODE_PID", "WHARF_RUN_ID", "WHARF_SERVICE",
    "WHARF_STACK", "all_proxy", "http_proxy", "https_proxy", "no_proxy", "npm_lifecycle_event",
    "npm_package_name",
];

/// A variable of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Variable {
    /// Its name; one of [`ENVIRONMENT`].
    pub name: String,
    /// Its value, cut at 1,000 characters.
    pub value: String,
}

/// What a process does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessState {
    /// It runs, or would if it had a processor (R).
    Running,
    /// It waits for something (S, I).
    Sleeping,
    /// It waits for a device, and cannot be killed (D).
    Uninterruptible,
    /// It was stopped: SIGSTOP, or Ctrl-Z (T). It accepts nothing.
    Stopped,
    /// A debugger stopped it (t). It accepts nothing.
    Traced,
    /// It has ended and was not reaped (Z, X).
    Zombie,
    /// Not known.
    #[default]
    #[serde(other)]
    Unknown,
}

impl ProcessState {
    /// Whether it stands still at another's will.
    #[must_use]
    pub fn is_halted(self) -> bool {
        matches!(self, Self::Stopped | Self::Traced)
    }
}

/// A checkout of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Checkout {
    /// Its root: the directory that holds `.git`.
    pub root: String,
    /// What it stands at.
    pub head: Seen<Head>,
    /// The root of the main checkout, where this one is a linked worktree of it.
    pub worktree_of: Option<String>,
}

/// What a checkout stands at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// A branch, without `refs/heads/`.
    Branch(String),
    /// A commit, without a branch.
    Detached(String),
}

/// A unit of systemd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unit {
    /// Its name, with its suffix.
    pub name: String,
    /// Whose it is.
    pub manager: UnitManager,
}

/// Which systemd runs a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnitManager {
    /// The system's (`systemctl`).
    System,
    /// A user's (`systemctl --user`).
    User,
}
