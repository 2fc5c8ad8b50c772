//! The last stage: gives up what the command shall not have, and becomes it.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::NotRun;
use crate::kernel::capabilities;

/// The arguments: whether a user namespace was made (`user`) or the capabilities are the host's and
/// stay (`host`), what the command may do with its network, and the command.
pub(super) fn run(arguments: Vec<OsString>) -> NotRun {
    let mut arguments = arguments.into_iter();
    let owner = arguments.next().unwrap_or_default();
    let tools = arguments.next().unwrap_or_default();
    let Some(program) = arguments.next() else {
        return NotRun {
            error: "run a command in a lab: there is none".to_owned(),
            code: 2,
        };
    };
    let dropped = match (owner.to_str(), tools.to_str()) {
        (Some("host"), _) => Ok(()),
        (_, Some("network")) => capabilities::keep_network(),
        _ => capabilities::drop_all(),
    };
    if let Err(errno) = dropped {
        return NotRun {
            error: format!("give up capabilities before {}: {errno}", program.display()),
            code: 126,
        };
    }
    let error = Command::new(&program).args(arguments).exec();
    NotRun {
        code: match error.kind() {
            io::ErrorKind::NotFound => 127,
            _ => 126,
        },
        error: format!("run {}: {error}", program.display()),
    }
}
