//! Why a process is there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnitManager;

/// Why a process is there: what an ancestor, a cgroup or a session says of it, nearest cause first.
///
/// `by` is, in each, the pid of the process that shows it, where one does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// A stack of Wharf's runs it.
    Stack {
        /// The stack's name.
        stack: String,
        /// The service, or the link, that it is of.
        part: Option<String>,
        /// The run's id.
        run: Option<String>,
    },
    /// It is in a container.
    Container {
        /// The container's id, in full.
        id: String,
        /// What manages it, where the cgroup's name says so: `docker`, `podman`, `containerd`.
        engine: Option<String>,
    },
    /// It forwards ports into a container or a virtual machine: `docker-proxy`, `rootlessport`,
    /// `pasta`, `wslrelay`, `kubectl port-forward`, …
    ContainerForward {
        /// The program.
        program: String,
        /// The container's address and port, or what it is told to reach, where its command line
        /// says so.
        target: Option<String>,
    },
    /// It forwards ports over ssh: `ssh -L`, `-D`, `-R`, or sshd for a client's.
    SshForward {
        /// The other machine, as its command line names it.
        host: Option<String>,
        /// The forwards, as written: `-L 8080:db:5432`.
        forwards: Vec<String>,
    },
    /// A debugger runs it, or it is one.
    Debugger {
        /// The debugger's program.
        program: String,
        /// The debugger's pid.
        by: u32,
    },
    /// A script of a package manager or build tool runs it: `npm run dev`, `make serve`.
    PackageScript {
        /// The tool: `npm`, `pnpm`, `yarn`, `bun`, `cargo`, `make`, …
        tool: String,
        /// The script, where it can be told.
        script: Option<String>,
        /// The tool's pid.
        by: u32,
        /// Why that one is there.
        within: Option<Box<Reason>>,
    },
    /// An editor or IDE runs it.
    Ide {
        /// Its name: `Visual Studio Code`, `IntelliJ IDEA`.
        name: String,
        /// Its pid.
        by: u32,
    },
    /// A coding agent runs it.
    Agent {
        /// Its name.
        name: String,
        /// Its pid.
        by: u32,
    },
    /// It was typed in a terminal.
    Shell {
        /// The shell: `zsh`.
        shell: String,
        /// Its pid.
        by: u32,
        /// The terminal: `pts/3`.
        terminal: Option<String>,
        /// What the terminal is in, as far as seen: `tmux`, `gnome-terminal-`, `sshd`.
        within: Option<String>,
    },
    /// cron or at runs it.
    Cron {
        /// The daemon's program.
        program: String,
        /// Its pid.
        by: u32,
    },
    /// A supervisor runs it: supervisord, pm2, runit, foreman, …
    Supervisor {
        /// Its program.
        program: String,
        /// Its pid.
        by: u32,
    },
    /// It is a unit of systemd.
    Unit {
        /// The unit, with its suffix.
        unit: String,
        /// Whose.
        manager: UnitManager,
    },
    /// What started it is gone: init, or a subreaper, has it now, and it is nobody's unit.
    Orphan {
        /// The leader of its session or group, if that is gone too: a closed terminal.
        dead_session: Option<u32>,
    },
    /// It is the first process, a kernel thread, or started by the first process.
    Init,
    /// A later program knew a reason that this one does not.
    #[serde(other)]
    Other,
}
