//! `wharf explain`: what is there, why, what a connection would meet, and what is wrong.
//!
//! The facts are printed as soon as they are there. What a probe adds, and the diagnosis that rests
//! on it, come right after.

mod command;
mod page;
mod rules;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use wharf_advice::{Explanation, Question, Target, Verdict};
use wharf_facts::{ProcessFacts, Protocol, Seen, Snapshot};
use wharf_host::snapshot::Scope;
use wharf_probe::{Consent, Curiosity, Plan};

use crate::cli::Explain;
use crate::findings::Prose;
use crate::machine::{self, Machine};
use crate::out;
use crate::report::{Code, Report};

/// Names and engines of containers are waited for no longer than this before the first facts are
/// told, where the port is not known by itself.
const PATIENCE: Duration = Duration::from_millis(15);
/// And for no longer than this before the diagnosis.
const MORE_PATIENCE: Duration = Duration::from_millis(300);

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
    let question = Question::about(target.clone());
    let style = match (args.json, args.short) {
        (true, _) => Style::Silent,
        (_, true) => Style::Short,
        _ => Style::Page(Prose::of_stdout()),
    };
    tell(&style, machine, &question, consent(args))
}

fn consent(args: &Explain) -> Consent {
    match (args.no_probe, args.probe) {
        (true, _) => Consent::Never,
        (_, true) => Consent::Asked,
        _ => Consent::WhereHarmless,
    }
}

/// How an explanation is told.
enum Style {
    /// As JSON, all at once, by the caller.
    Silent,
    /// In a line.
    Short,
    /// In full.
    Page(Prose),
}

/// Tells all that there is to say: the facts at once, and the rest when the probe is back.
fn tell(
    style: &Style,
    machine: Machine<'_>,
    question: &Question,
    consent: Consent,
) -> Result<Explanation, Report> {
    let mut snapshot = machine.facts(&scope(&question.target))?;
    let now = snapshot.taken_at.known().copied().unwrap_or(0) / 1000;
    let mut explanation = wharf_advice::explain(&snapshot, question);
    if let Style::Page(prose) = style {
        page::facts(prose, &explanation, now);
    }
    if machine.is_here() && was_hurried(&snapshot) {
        snapshot = machine.facts(&scope(&question.target).patient(MORE_PATIENCE))?;
        explanation = wharf_advice::explain(&snapshot, question);
    }
    if machine.is_here() && consent != Consent::Never && snapshot.tcp.is_known() {
        probe(&mut snapshot, question, &explanation, consent);
        explanation = wharf_advice::explain(&snapshot, question);
    }
    match style {
        Style::Silent => {}
        Style::Short => out::line(&explanation.short()),
        Style::Page(prose) => {
            page::learnt(prose, &explanation);
            page::diagnosis(prose, &explanation);
        }
    }
    Ok(explanation)
}

/// Whether an engine of containers or a resolver was asked, and had not answered yet.
fn was_hurried(snapshot: &Snapshot) -> bool {
    let resolutions = &snapshot.names.resolutions;
    let engine_was_late = snapshot
        .containers
        .why_unknown()
        .is_some_and(|why| why.starts_with("ask "));
    engine_was_late || resolutions.iter().any(|resolution| !resolution.answer.is_known())
}

/// Connects to whoever listens, and to loopback where nobody does.
fn probe(snapshot: &mut Snapshot, question: &Question, explanation: &Explanation, consent: Consent) {
    let tcp = explanation
        .listeners
        .iter()
        .filter(|listening| listening.protocol == Protocol::Tcp);
    let mut addresses: Vec<SocketAddr> = tcp
        .flat_map(|listening| machine::doors(listening.address, listening.v6only))
        .chain(question.target.port().into_iter().flat_map(machine::loopback))
        .collect();
    let mut seen = BTreeSet::new();
    addresses.retain(|&address| seen.insert(address));
    let plan = Plan {
        consent,
        curiosity: Curiosity::Trust,
        ..Plan::default()
    };
    machine::probe(snapshot, &addresses, question.target.host(), &plan);
    let mut probes = snapshot.probes.items().iter();
    if probes.any(|probe| probe.http.as_ref().is_some_and(|http| !http.cookies.is_empty())) {
        let others = other_work(snapshot, &addresses);
        machine::probe(
            snapshot,
            &others,
            None,
            &Plan {
                consent,
                ..Plan::default()
            },
        );
    }
}

/// Where else servers of checkouts are asked, which may set the same cookies as the one at `asked`.
fn other_work(snapshot: &Snapshot, asked: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_work = |owner: &ProcessFacts| matches!(owner.checkout, Seen::Known(Some(_)));
    let others: BTreeSet<SocketAddr> = snapshot
        .listeners()
        .filter(|socket| asked.iter().all(|asked| asked.port() != socket.port()))
        .filter(|socket| snapshot.owners(socket).any(is_work))
        .flat_map(|socket| machine::doors(socket.socket.local, socket.socket.v6only))
        .collect();
    others.into_iter().collect()
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
