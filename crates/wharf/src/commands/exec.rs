//! `wharf exec`, `wharf lab exec` and `wharf env`: the environment of a service.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use wharf_lab::Tools;
use wharf_stack::control::{Entrance, Reply, Request};

use crate::cli::Which;
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(
    here: &Surroundings,
    service: &str,
    which: &Which,
    command: &[OsString],
    tools: Tools,
) -> Result<ExitCode, Report> {
    let Environment {
        mut variables,
        cwd,
        entrance,
    } = ask(here, service, which)?;
    // The mark by which a run's processes are ended with it is not for visitors.
    variables.remove(wharf_stack::guardian::RUN_ID_VAR);
    let enter = match (entrance, tools) {
        (Some(entrance), Tools::Ordinary) => entrance.ordinary,
        (Some(entrance), Tools::Network) => entrance.with_tools,
        (None, Tools::Ordinary) => Vec::new(),
        (None, Tools::Network) => {
            return Err(Report::new(
                Code::BadInput,
                format!("run a command where {service} is: its stack is in no lab"),
            )
            .hint("`wharf down`, then `wharf up --lab`; `wharf exec` runs one here"));
        }
    };
    let words = enter
        .into_iter()
        .map(OsString::from)
        .chain(command.iter().cloned());
    let words: Vec<OsString> = words.collect();
    let Some((program, arguments)) = words.split_first() else {
        return Err(Report::new(Code::BadInput, "run a command: there is none"));
    };
    let error = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .current_dir(cwd)
        .exec();
    Err(Report::new(
        Code::Failed,
        format!("run {}: {error}", program.display()),
    ))
}

pub(super) fn env(here: &Surroundings, service: &str, which: &Which, json: bool) -> Result<(), Report> {
    let variables = ask(here, service, which)?.variables;
    if json {
        out::json(&variables);
        return Ok(());
    }
    for (name, value) in variables {
        // Quoted where a shell would need it: `eval "$(wharf env web)"` works.
        out::line(&format!("{name}={}", shell_words::quote(&value)));
    }
    Ok(())
}

/// What surrounds a service.
struct Environment {
    variables: BTreeMap<String, String>,
    cwd: PathBuf,
    /// How to enter its network, in a lab.
    entrance: Option<Entrance>,
}

fn ask(here: &Surroundings, service: &str, which: &Which) -> Result<Environment, Report> {
    let request = Request::Env {
        service: service.to_owned(),
    };
    match target::find(here, which)?.client().ask(&request)? {
        Reply::Env {
            variables,
            cwd,
            entrance,
        } => Ok(Environment {
            variables,
            cwd,
            entrance,
        }),
        other => Err(Report::new(Code::Failed, format!("the stack answered {other:?}"))),
    }
}
