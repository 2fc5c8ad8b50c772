//! `wharf doctor`: this machine's localhost as a whole.

use std::process::ExitCode;

use wharf_advice::{CheckOutcome, Checkup, Severity};
use wharf_host::snapshot::Scope;

use crate::cli::Doctor;
use crate::findings::{self, Prose};
use crate::grid::Paint;
use crate::machine::Machine;
use crate::out;
use crate::report::{Code, Report};

pub(super) fn run(args: &Doctor) -> Result<ExitCode, Report> {
    let machine = Machine::of(args.from.snapshot.as_deref());
    let snapshot = machine.facts(&Scope::everything())?;
    let checkups = wharf_advice::doctor(&snapshot);
    if args.json {
        out::json(&checkups);
    } else {
        show(&checkups);
    }
    Ok(verdict(&checkups))
}

fn verdict(checkups: &[Checkup]) -> ExitCode {
    let is_bad = |checkup: &Checkup| match &checkup.outcome {
        CheckOutcome::Finding(finding) => finding.severity > Severity::Note,
        CheckOutcome::Ok { .. } | CheckOutcome::Unknown { .. } => false,
    };
    if checkups.iter().any(is_bad) {
        return Code::Warnings.into();
    }
    ExitCode::SUCCESS
}

/// A line for each check; what was found with its evidence and fix.
fn show(checkups: &[Checkup]) {
    let prose = Prose::of_stdout();
    let widest = checkups.iter().map(|checkup| checkup.title.chars().count()).max();
    let widest = widest.unwrap_or(0).min(prose.width() / 2);
    for checkup in checkups {
        let title = format!("{:<widest$}", checkup.title);
        match &checkup.outcome {
            CheckOutcome::Ok { said } => {
                prose.hanging(&[Paint::Green.of("ok       "), Paint::Plain.of(title)], said)
            }
            CheckOutcome::Unknown { why } => {
                prose.hanging(&[Paint::Dim.of("unknown  "), Paint::Plain.of(title)], why);
            }
            CheckOutcome::Finding(finding) => {
                let word = format!("{:<9}", finding.severity.to_string());
                let lead = [findings::paint(finding.severity).of(word), Paint::Bold.of(title)];
                prose.hanging(&lead, &finding.says);
                findings::details(&prose, finding, 9);
            }
        }
    }
}
