//! `wharf explain`: what is there, why, what a connection would meet, and what is wrong.
//!
//! The facts are printed as soon as they are there. What a probe adds, and the diagnosis that rests
//! on it, come right after.

mod command;
mod page;
mod rules;

use std::process::ExitCode;
use std::time::Duration;

use wharf_advice::{Explanation, Question, Target, Verdict};
use wharf_facts::Snapshot;
use wharf_host::snapshot::Scope;

use crate::cli::Explain;
use crate::findings::Prose;
use crate::machine::Machine;
use crate::out;
use crate::report::{Code, Report};

/// Names and engines of containers are waited for no longer than this.
const PATIENCE: Duration = Duration::from_millis(15);

pub(super) fn run(args: &Explain) -> Result<ExitCode, Report> {
    if args.rules {
        rules::show(args.json);
        return Ok(ExitCode::SUCCESS);
    }
    if !args.command.is_empty() {
        return command::run(args);
    }
    let machine = Machine::of(args.from.snapshot.as_deref());
    let mut explanations = Vec::new();
    for target in &args.targets {
        if !explanations.is_empty() && !args.json && !args.short {
            out::line("");
        }
        explanations.push(explain(machine, target, args)?);
    }
    if args.json {
        out::json(&explanations);
    }
    Ok(verdict(&explanations))
}

fn explain(machine: Machine<'_>, target: &Target, args: &Explain) -> Result<Explanation, Report> {
    let snapshot = machine.facts(&scope(target))?;
    let question = Question::about(target.clone());
    if args.json || args.short {
        let explanation = wharf_advice::explain(&snapshot, &question);
        if args.short {
            out::line(&explanation.short());
        }
        return Ok(explanation);
    }
    let prose = Prose::of_stdout();
    Ok(tell(&prose, &snapshot, &question))
}

/// Tells all that there is to say.
fn tell(prose: &Prose, snapshot: &Snapshot, question: &Question) -> Explanation {
    let explanation = wharf_advice::explain(snapshot, question);
    let now = snapshot.taken_at.known().copied().unwrap_or(0) / 1000;
    page::facts(prose, &explanation, now);
    page::diagnosis(prose, &explanation);
    explanation
}

/// What must be seen to answer: all about a port, or all about everything where it is yet to be
/// found out which port is meant.
fn scope(target: &Target) -> Scope {
    let scope = match target.port() {
        Some(port) => Scope::port(port),
        None => Scope::everything().patient(PATIENCE),
    };
    match target.host() {
        Some(name) => scope.resolving(name),
        None => scope,
    }
}

/// The worst of them: what cannot be seen, what is not there, what is wrong.
fn verdict(explanations: &[Explanation]) -> ExitCode {
    match explanations.iter().map(Explanation::verdict).max() {
        Some(Verdict::Hidden) => Code::Hidden.into(),
        Some(Verdict::NothingThere) => Code::NothingThere.into(),
        Some(Verdict::Warnings) => Code::Warnings.into(),
        Some(Verdict::Clean) | None => ExitCode::SUCCESS,
    }
}
