//! The shim: what stands between the guardian and a service's own program.
//!
//! A child must be set up before its program runs: its session, its terminal, its cgroup,
//! its user, the sockets that it inherits. Done after `fork` this would be `unsafe`
//! (`pre_exec`); so `wharf __exec` does it, an ordinary program, and then becomes the
//! service's program by exec, under the same pid.

use std::io;
use std::os::fd::{AsFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use wharf_lease::fd::Passed;

/// A user to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAs {
    /// Its uid.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
}

/// What standard input is to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terminal {
    /// A terminal, which it shall control.
    Control,
    /// A pipe.
    None,
}

/// What the shim is to set up, as the guardian hands it over in its argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShimSpec {
    /// The guardian's pid: if it is gone already, the service must not start.
    pub guardian: u32,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Whom to become.
    pub user: Option<RunAs>,
    /// The cgroup directory to join.
    pub cgroup: Option<PathBuf>,
    /// What standard input is.
    pub terminal: Terminal,
    /// Inherited listening sockets: descriptor and name.
    pub sockets: Vec<(RawFd, String)>,
    /// The network that it runs in.
    pub network: Network,
}

/// The network that a service runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// The machine's.
    Host,
    /// One that the command of these words enters, before it becomes the command that follows them.
    Entered(Vec<String>),
    /// It has been entered: only what must be done after that is left.
    Inside,
}

/// The first argument of this program as a shim.
pub const ARGUMENT: &str = "__exec";

/// Sets up what `spec` says and becomes its program. Returns only on failure.
#[must_use]
pub fn exec(spec: &str) -> io::Error {
    match serde_json::from_str::<ShimSpec>(spec) {
        Ok(spec) => set_up_and_exec(&spec)
            .err()
            .unwrap_or_else(|| io::Error::other("exec returned")),
        Err(error) => io::Error::new(io::ErrorKind::InvalidInput, error),
    }
}

fn set_up_and_exec(spec: &ShimSpec) -> io::Result<std::convert::Infallible> {
    if spec.network != Network::Inside {
        // The leader of its own group, so that a signal to the group reaches the service whole.
        rustix::process::setsid()?;
        if spec.terminal == Terminal::Control {
            rustix::process::ioctl_tiocsctty(io::stdin().as_fd())?;
        }
        if let Some(cgroup) = &spec.cgroup {
            crate::cgroup::join(cgroup)?;
        }
    }
    // A belt only: the guardian kills by itself. Cleared by the kernel on a change of user, or of its
    // namespace (commit_creds in kernel/cred.c).
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()) != Some(spec.guardian)
    {
        return Err(io::Error::other("the guardian is gone"));
    }
    if let Network::Entered(words) = &spec.network {
        return Err(enter(spec, words));
    }
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no program to run"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(user) = spec.user {
        command.gid(user.gid).uid(user.uid);
    }
    if !spec.sockets.is_empty() {
        command.envs(pass(&spec.sockets)?);
    }
    let error = command.exec();
    Err(io::Error::new(error.kind(), format!("run {program}: {error}")))
}

/// Becomes the command that enters a network, to become this program once more in there: only then is the
/// user changed, who might not be let in.
fn enter(spec: &ShimSpec, words: &[String]) -> io::Error {
    let inside = ShimSpec {
        network: Network::Inside,
        ..spec.clone()
    };
    let exec = || -> io::Result<std::convert::Infallible> {
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no network to enter"))?;
        let error = Command::new(program)
            .args(arguments)
            .arg(std::env::current_exe()?)
            .arg(ARGUMENT)
            .arg(serde_json::to_string(&inside).map_err(io::Error::other)?)
            .exec();
        Err(error)
    };
    match exec() {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

/// Puts the sockets where sd_listen_fds(3) has them, and returns the variables that say so.
fn pass(sockets: &[(RawFd, String)]) -> io::Result<[(&'static str, String); 3]> {
    let passed: Vec<Passed> = sockets
        .iter()
        .map(|(number, name)| Passed {
            number: *number,
            name: name.clone(),
        })
        .collect();
    wharf_lease::fd::pass(&passed).map_err(io::Error::other)
}
