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

/// Below this, what was said would be a narrow column: it goes on behind its title instead.
const NARROWEST: usize = 40;
/// The width of the words that say what came of it.
const WORD: usize = 9;

/// A line for each check; what was found with its evidence and fix.
fn show(checkups: &[Checkup]) {
    let prose = Prose::of_stdout();
    let widest = checkups.iter().map(|checkup| checkup.title.chars().count()).max();
    let widest = widest.unwrap_or(0) + 2;
    let has_columns = prose.width() >= WORD + widest + NARROWEST;
    for checkup in checkups {
        let (word, paint, said) = match &checkup.outcome {
            CheckOutcome::Ok { said } => ("ok".to_owned(), Paint::Green, said),
            CheckOutcome::Unknown { why } => ("unknown".to_owned(), Paint::Dim, why),
            CheckOutcome::Finding(finding) => {
                let severity = finding.severity;
                (severity.to_string(), findings::paint(severity), &finding.says)
            }
        };
        let word = paint.of(format!("{word:<WORD$}"));
        match has_columns {
            true => {
                let title = Paint::Plain.of(format!("{:<widest$}", checkup.title));
                prose.hanging(&[word, title], said);
            }
            false => prose.hanging(&[word], &format!("{}: {said}", checkup.title)),
        }
        if let CheckOutcome::Finding(finding) = &checkup.outcome {
            findings::details(&prose, finding, WORD);
        }
    }
}
