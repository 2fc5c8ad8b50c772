//! Joins a host of a network that is there: enters its namespaces, gives up what the command shall not have,
//! and becomes it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitCode, Stdio};

use super::{ARGUMENT, INIT, JOIN, NotRun, Trouble, exec, files, outlive_the_terminal};
use crate::channel::Channel;
use crate::kernel::namespaces;
use crate::message::{FromInit, Names, Tools};

/// Where to join. On the command line it is a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The process that owns the namespaces.
    pub(crate) keeper: u32,
    /// `host` or `user`: whether there is a user namespace to enter.
    pub(crate) owner: String,
    /// Under which numbers the keeper has the host's network and the names.
    pub(crate) network: i32,
    pub(crate) names: i32,
}

/// What becomes of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It becomes the command.
    Command,
    /// It starts the first process of a PID namespace, which runs the command and is spoken with over standard input.
    Guest,
}

impl Entry {
    /// The arguments before a command.
    pub(crate) fn arguments(&self, mode: Mode, tools: Tools) -> [String; 8] {
        let mode = match mode {
            Mode::Command => "command",
            Mode::Guest => "guest",
        };
        let Self {
            keeper,
            owner,
            network,
            names,
        } = self;
        [
            ARGUMENT.to_owned(),
            JOIN.to_owned(),
            mode.to_owned(),
            keeper.to_string(),
            network.to_string(),
            names.to_string(),
            owner.clone(),
            tools.word().to_owned(),
        ]
    }
}

pub(super) fn run(arguments: Vec<OsString>) -> Result<ExitCode, NotRun> {
    let mut words = arguments.into_iter();
    let mut next = || words.next().and_then(|word| word.into_string().ok());
    let (Some(mode), Some(keeper), Some(network), Some(names), Some(owner), Some(tools)) =
        (next(), next(), next(), next(), next(), next())
    else {
        return Err(NotRun {
            error: "join a lab: it is not said which".to_owned(),
            code: 2,
        });
    };
    let command: Vec<OsString> = words.collect();
    let entered = enter(&keeper, &network, &owner).and_then(|()| read_names(&keeper, &names));
    if mode == "guest" {
        return Ok(guest(entered.map(drop), &owner, &tools, &command));
    }
    let put = entered.and_then(|names| files::put(&names));
    if let Err(trouble) = put {
        return Err(NotRun {
            error: format!("join the lab: {}", trouble.error),
            code: 126,
        });
    }
    let arguments = [owner.into(), tools.into()].into_iter().chain(command);
    Err(exec::run(arguments.collect()))
}

fn enter(keeper: &str, network: &str, owner: &str) -> Result<(), Trouble> {
    let open = |path: String| {
        let file = File::open(&path).map(OwnedFd::from);
        file.map_err(|error| Trouble::of(format!("open {path}: {error}; has it ended?")))
    };
    let network = open(format!("/proc/{keeper}/fd/{network}"))?;
    if owner == "user" {
        namespaces::enter_user(&open(format!("/proc/{keeper}/ns/user"))?)?;
    }
    Ok(namespaces::enter_network(&network)?)
}

fn read_names(keeper: &str, names: &str) -> Result<Names, Trouble> {
    let path = format!("/proc/{keeper}/fd/{names}");
    let text = fs::read(&path).and_then(|text| serde_json::from_slice(&text).map_err(io::Error::other));
    text.map_err(|error| Trouble::of(format!("read the names of the lab: {error}")))
}

/// Starts the first process of a PID namespace, and ends when it does.
fn guest(entered: Result<(), Trouble>, owner: &str, tools: &str, command: &[OsString]) -> ExitCode {
    let Ok(channel) = Channel::of_stdin() else {
        return ExitCode::FAILURE;
    };
    outlive_the_terminal();
    let started = entered
        .and_then(|()| Ok(namespaces::new_pids_for_children()?))
        .and_then(|()| {
            let end = channel.try_clone().map_err(Trouble::of)?;
            let started = Command::new(std::env::current_exe().map_err(Trouble::of)?)
                .args([ARGUMENT, INIT, owner, tools])
                .args(command)
                .stdin(Stdio::from(end))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            started.map_err(|error| Trouble::of(format!("start the command's side: {error}")))
        });
    match started {
        Ok(mut init) => {
            drop(channel);
            let _ = init.wait();
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            let _ = channel.send(&FromInit::Failed(trouble), &[]);
            ExitCode::FAILURE
        }
    }
}
