use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::project::{RestartPolicy, ServiceKind, ServiceName};

/// What the supervisor must know of a unit (a service or a task).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitSpec {
    /// Its name.
    pub name: ServiceName,
    /// A service, which is awaited until ready, or a task, until it exits with 0.
    pub kind: ServiceKind,
    /// The units that must be ready or done before this one starts.
    pub needs: Vec<ServiceName>,
    /// What to do when it exits by itself.
    pub restart: RestartPolicy,
    /// How many restarts in a row before it counts as failed.
    pub max_restarts: u32,
    /// How long it may take to become ready.
    pub ready_timeout: Duration,
    /// How long it may take to stop before SIGKILL.
    pub stop_grace: Duration,
    /// Whether a hold stands on its port while it starts.
    pub hold: HoldUse,
}

/// Whether the hold on a unit's port stands while the unit starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldUse {
    /// The hold stands; the server binds over it.
    Stands,
    /// There is none: it is let go before the start and taken again after the stop.
    LetGo,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// How it ended is not known: its parent was lost.
    Unknown,
}

impl Exit {
    /// Whether it exited with 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Exit::Code(0)
    }
}

impl Exit {
    /// The code that a shell would have for it: 128 and the number, where a signal ended it.
    #[must_use]
    pub fn as_shell_code(self) -> u8 {
        let code = match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
            Exit::Unknown => 1,
        };
        u8::try_from(code).unwrap_or(1)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit status {code}"),
            Exit::Signal(signal) => write!(f, "signal {}", signal_name(*signal)),
            Exit::Unknown => write!(f, "an unknown exit"),
        }
    }
}

/// The POSIX name of a signal number as Linux numbers it (`signal(7)`).
fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return number.to_string(),
    };
    name.to_owned()
}

/// Where a unit is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Its needs are not met yet.
    Waiting,
    /// Its process runs and is not ready.
    Starting,
    /// It serves.
    Ready,
    /// A task that exited with 0.
    Done,
    /// It ended and will be started again.
    BackingOff,
    /// It was told to stop and has not ended yet.
    Stopping,
    /// It was told to stop and has ended.
    Stopped,
    /// It failed, and will not be started again by itself.
    Failed {
        /// Why, in words.
        why: String,
    },
}

impl Phase {
    /// One word, for tables.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Phase::Waiting => "waiting",
            Phase::Starting => "starting",
            Phase::Ready => "ready",
            Phase::Done => "done",
            Phase::BackingOff => "restarting",
            Phase::Stopping => "stopping",
            Phase::Stopped => "stopped",
            Phase::Failed { .. } => "failed",
        }
    }

    /// Whether nothing more happens to the unit by itself in this phase.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(
            self,
            Phase::Ready | Phase::Done | Phase::Stopped | Phase::Failed { .. }
        )
    }
}

/// What happened to a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its process runs.
    Spawned {
        /// The process.
        pid: u32,
    },
    /// Its process could not be started.
    SpawnFailed {
        /// Why, in words.
        why: String,
    },
    /// Its readiness check passed.
    Ready,
    /// Its process ended, and what it said points at this.
    Exited(Exit, Suspect),
}

/// What may be to blame for the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// It may have been unable to bind over the hold.
    Hold,
    /// Nothing of ours.
    Nothing,
}

/// What the engine must do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start the unit's process.
    Start(ServiceName, HoldUse),
    /// Send its stop signal to its process group.
    Terminate(ServiceName),
    /// Kill every process of it.
    Kill(ServiceName),
    /// It became ready without the hold after it had failed with it: remember that.
    RememberNoHold(ServiceName),
    /// Its phase changed: wiring, registration and listeners may want to know.
    Changed(ServiceName),
}

/// How fast to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// Signal, grace, kill; in the order of dependency.
    Orderly,
    /// Kill everything now.
    AtOnce,
}

/// What one may see of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitView {
    /// Its phase.
    pub phase: Phase,
    /// Its process, while one runs.
    pub pid: Option<u32>,
    /// How often it was started again by policy.
    pub restarts: u32,
    /// When its phase began, on the supervisor's clock.
    pub since: Duration,
    /// How its last process ended.
    pub last_exit: Option<Exit>,
}
