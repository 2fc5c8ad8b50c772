//! `wharf explain -- COMMAND…`: runs it, and if it failed for a reason of ports or names, says why.
//!
//! What the command prints goes where it would have gone, and is read on its way. Where it is
//! printed to a terminal, the command sees a terminal.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::Duration;

use wharf_advice::{Question, Target};
use wharf_host::{process, sockets};

use super::{Style, consent, tell};
use crate::cli::Explain;
use crate::findings::Prose;
use crate::machine::Machine;
use crate::report::{Code, Report};
use crate::symptoms::{self, Told};
use crate::tee::Tee;

/// So often it is seen whether the command has ended, and which ports it has.
const INTERVAL: Duration = Duration::from_millis(50);
/// When the command has ended, its output is there. What it left running may hold the way open.
const DRAINING: Duration = Duration::from_millis(200);
/// Reasons that are explained: the first explains most of the others.
const MOST_REASONS: usize = 2;

pub(super) fn run(args: &Explain) -> Result<ExitCode, Report> {
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Report::new(Code::BadInput, "run a command: there is none"));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let failed = |error: io::Error| Report::new(Code::Failed, format!("run {program}: {error}"));
    let mut tee = Tee::start(command).map_err(failed)?;
    let had = watch(&mut tee.child).map_err(failed)?;
    let status = tee.child.wait().map_err(failed)?;
    let lines = tee.lines(DRAINING);
    if !status.success() {
        diagnose(args, &lines, &had)?;
    }
    Ok(ExitCode::from(code(status)))
}

/// Waits for the command's end. Returns the ports that it listened on.
fn watch(child: &mut Child) -> io::Result<BTreeSet<u16>> {
    let mut had = BTreeSet::new();
    while child.try_wait()?.is_none() {
        had.extend(ports(child.id()));
        std::thread::sleep(INTERVAL);
    }
    Ok(had)
}

/// The ports that a process and its descendants listen on, as far as they may be looked into.
fn ports(pid: u32) -> Vec<u16> {
    let inodes: BTreeSet<u64> = process::tree(pid)
        .into_iter()
        .filter_map(|pid| process::socket_inodes(pid).ok())
        .flatten()
        .collect();
    if inodes.is_empty() {
        return Vec::new();
    }
    let listeners = sockets::listeners().unwrap_or_default();
    let own = listeners.iter().filter(|socket| inodes.contains(&socket.inode));
    own.map(|socket| socket.local.port()).collect()
}

/// Explains what the command said of ports, on standard error: standard output is the command's.
fn diagnose(args: &Explain, lines: &[String], had: &BTreeSet<u16>) -> Result<(), Report> {
    let told = symptoms::told(lines);
    let Some(first) = symptoms::cause(&told) else {
        return Ok(());
    };
    let rest = told.iter().filter(|told| *told != first);
    let mut explained = Vec::new();
    for told in std::iter::once(first).chain(rest) {
        let Some(target) = target(told, &args.command) else {
            continue;
        };
        if explained.len() < MOST_REASONS && !explained.contains(&target) {
            explain(args, told, target.clone(), had)?;
            explained.push(target);
        }
    }
    if explained.is_empty() {
        let prose = Prose::of_stderr();
        prose.blank();
        prose.hanging(
            &[],
            &format!(
                "wharf: it says “{}” and not which port: `wharf explain PORT` says who has it",
                first.symptom.text
            ),
        );
    }
    Ok(())
}

fn explain(args: &Explain, told: &Told, target: Target, had: &BTreeSet<u16>) -> Result<(), Report> {
    let prose = Prose::of_stderr();
    prose.blank();
    prose.hanging(&[], &format!("wharf: it failed with “{}”", told.symptom.text));
    if !had.is_empty() {
        let ports: Vec<String> = had.iter().map(ToString::to_string).collect();
        prose.hanging(
            &[],
            &format!("wharf: while it ran, it listened on {}", ports.join(", ")),
        );
    }
    let question = Question::about(target).after(told.symptom.clone());
    tell(&Style::Page(prose), Machine::Here, &question, consent(args))?;
    Ok(())
}

/// What the program named; else the port that its command line or the environment names.
fn target(told: &Told, command: &[String]) -> Option<Target> {
    told.target
        .clone()
        .or_else(|| named_port(command).map(Target::Port))
        .or_else(|| std::env::var("PORT").ok()?.parse().ok().map(Target::Port))
}

/// The port in a command line: `--port 3000`, `-p8000`, `http.server 8000`, `localhost:3000`.
fn named_port(command: &[String]) -> Option<u16> {
    let is_port = |text: &str| text.parse::<u16>().ok().filter(|&port| port > 0);
    let after_flag = command.windows(2).find_map(|pair| match pair {
        [flag, value] if matches!(flag.as_str(), "--port" | "-p" | "-port" | "--listen") => is_port(value),
        _ => None,
    });
    let within = || {
        command.iter().find_map(|word| {
            let value = word.strip_prefix("--port=").or_else(|| word.strip_prefix("-p"));
            value.and_then(is_port)
        })
    };
    let after_colon = || {
        command.iter().skip(1).find_map(|word| {
            let (_, rest) = word.rsplit_once(':')?;
            is_port(rest.split('/').next()?)
        })
    };
    // A bare number is a port where it looks like one that a user may bind.
    let bare = || {
        let numbers = command
            .get(1..)
            .unwrap_or_default()
            .iter()
            .filter_map(|word| is_port(word));
        numbers.rev().find(|&port| port >= 80)
    };
    after_flag.or_else(within).or_else(after_colon).or_else(bare)
}

/// As a shell has it: 128 and the signal's number, where one ended it.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<u16>) {
        let command: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(named_port(&command), expected, "{line}");
    }

    #[test]
    fn a_command_line_names_its_port() {
        check("vite --port 3000", Some(3000));
        check("vite --port=3000 --host", Some(3000));
        check("http-server -p8000", Some(8000));
        check("python3 -m http.server 8000", Some(8000));
        check("python3 manage.py runserver 127.0.0.1:8000", Some(8000));
        check("curl http://localhost:3000/x", Some(3000));
        check("sleep 5", None);
        check("cargo run", None);
    }
}
