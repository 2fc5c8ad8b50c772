//! `wharf exec` and `wharf env`: the environment of a service.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use wharf_stack::control::{Reply, Request};

use crate::cli::Which;
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(
    here: &Surroundings,
    service: &str,
    which: &Which,
    command: &[String],
) -> Result<ExitCode, Report> {
    let (mut variables, cwd) = ask(here, service, which)?;
    // The mark by which a run's processes are ended with it is not for visitors.
    variables.remove(wharf_stack::guardian::RUN_ID_VAR);
    let Some((program, arguments)) = command.split_first() else {
        return Err(Report::new(Code::BadInput, "run a command: there is none"));
    };
    let error = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .current_dir(cwd)
        .exec();
    Err(Report::new(Code::Failed, format!("run {program}: {error}")))
}

pub(super) fn env(here: &Surroundings, service: &str, which: &Which, json: bool) -> Result<(), Report> {
    let (variables, _) = ask(here, service, which)?;
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

fn ask(
    here: &Surroundings,
    service: &str,
    which: &Which,
) -> Result<(BTreeMap<String, String>, PathBuf), Report> {
    let request = Request::Env {
        service: service.to_owned(),
    };
    match target::find(here, which)?.client().ask(&request)? {
        Reply::Env { variables, cwd } => Ok((variables, cwd)),
        other => Err(Report::new(Code::Failed, format!("the stack answered {other:?}"))),
    }
}
