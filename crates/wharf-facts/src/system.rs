//! The machine, and who looks at it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checkout, Seen};

/// The machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct System {
    /// The operating system, as Rust names it: `linux`, `macos`, `windows`.
    pub os: Seen<String>,
    /// The kernel's release, such as `6.8.0-45-generic`.
    pub kernel: Seen<String>,
    /// The distribution, as `PRETTY_NAME` of os-release(5) has it.
    pub distribution: Seen<String>,
    /// The machine's own name.
    pub hostname: Seen<String>,
    /// When it was started, in seconds since 1970 (UTC).
    pub booted_at: Seen<u64>,
    /// Clock ticks a second, the unit of [`crate::ProcessFacts::start_time`].
    pub ticks_per_second: Seen<u64>,
    /// What this system itself runs inside.
    pub inside: Seen<Inside>,
    /// The network namespace of the viewer, by its inode number.
    pub netns: Seen<u64>,
}

/// What a system runs inside. Several may hold at once: a dev container within WSL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Inside {
    /// A container, and how that was seen: `docker (/.dockerenv)`.
    pub container: Option<String>,
    /// The Windows Subsystem for Linux.
    pub wsl: Option<Wsl>,
    /// A dev container or remote workspace of an editor, by what gave it away: `REMOTE_CONTAINERS`,
    /// `CODESPACES`, `a VS Code server`.
    pub dev_container: Option<String>,
}

/// The Windows Subsystem for Linux.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Wsl {
    /// Its version: 1 or 2.
    pub version: u8,
    /// How it is networked (`networkingMode`): `nat`, `mirrored`, `virtioproxy`, `none`.
    pub networking: Seen<String>,
}

/// Who looked, and with what rights.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Viewer {
    /// The effective user's number.
    pub uid: Seen<u32>,
    /// The user's name.
    pub user: Seen<String>,
    /// The pid of the process that looked.
    pub pid: Seen<u32>,
    /// The directory it was run in.
    pub cwd: Seen<String>,
    /// The checkout that this directory lies in.
    pub checkout: Seen<Option<Checkout>>,
    /// The effective capabilities that change what may be seen or bound, by their names without
    /// `CAP_`, in lower case: `sys_ptrace`, `net_admin`, `net_bind_service`, `dac_read_search`.
    pub capabilities: Seen<Vec<String>>,
}
