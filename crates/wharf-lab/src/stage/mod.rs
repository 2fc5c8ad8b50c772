//! The processes of a lab, beside the one that switches. Each is the program executed once more, so
//! that nothing has to happen between fork and exec.
//!
//! ```text
//! wharf lab           the switch, and the gateway's way to the host's loopback
//!   └─ far            owns the namespaces; makes sockets in the gateway's
//!        └─ init      the first process of a PID namespace, in the command's network
//!             └─ exec becomes the command
//! ```
//!
//! Whichever is killed, the others see the end of a channel or the kernel ends them with it.

pub(crate) mod ends;
mod exec;
mod far;
mod files;
mod init;
mod join;
mod keeper;
mod local;
mod node;

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use join::{Entry, Mode};

use crate::message::{Tools, Trouble};

/// The first argument that runs a stage. The next ones are the stage and what it needs, and then the command.
pub const ARGUMENT: &str = "__lab";

/// What the stages are called on the command line.
const FAR: &str = "far";
const KEEPER: &str = "keeper";
const JOIN: &str = "join";
const INIT: &str = "init";
const EXEC: &str = "exec";

impl Tools {
    fn word(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Network => "network",
        }
    }
}

/// What the exec stage says when it could not become the command: standard error is the command's.
#[derive(Debug)]
pub struct NotRun {
    /// What to print.
    pub error: String,
    /// What to exit with: 127 if it was not found, else 126, as shells do.
    pub code: u8,
}

/// Runs the stage that the arguments name.
///
/// # Errors
/// When the command cannot be executed.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<ExitCode, NotRun> {
    let mut arguments = arguments.into_iter();
    let stage = arguments.next().unwrap_or_default();
    match stage.to_str() {
        Some(FAR) => Ok(far::run(&arguments.collect::<Vec<_>>())),
        Some(INIT) => Ok(init::run(&arguments.collect::<Vec<_>>())),
        Some(KEEPER) => Ok(keeper::run()),
        Some(JOIN) => join::run(arguments.collect()),
        Some(EXEC) => Err(exec::run(arguments.collect())),
        _ => Err(NotRun {
            error: format!("run a stage of a lab: there is none called {}", stage.display()),
            code: 2,
        }),
    }
}

/// The arguments that start the first stage of a lab of one command.
pub(crate) fn first() -> [&'static str; 2] {
    [ARGUMENT, FAR]
}

/// The arguments that start the keeper of a whole network.
pub(crate) fn keeper() -> [&'static str; 2] {
    [ARGUMENT, KEEPER]
}

/// No handler does anything: the terminal sends its signals to each process of the group, and those
/// between the user and the command have to outlive them. A handler, and not to ignore them, since
/// what is ignored stays so over exec.
fn outlive_the_terminal() {
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGQUIT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
    ] {
        let _ = signal_hook::flag::register(signal, std::sync::Arc::default());
    }
}

impl Trouble {
    pub(crate) fn of(error: impl std::fmt::Display) -> Self {
        Self {
            error: error.to_string(),
            hint: None,
        }
    }

    pub(crate) fn with(error: impl std::fmt::Display, hint: impl Into<String>) -> Self {
        Self {
            error: error.to_string(),
            hint: Some(hint.into()),
        }
    }
}
