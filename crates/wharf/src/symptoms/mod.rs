//! What a program's own words tell of ports: `EADDRINUSE :::3000`, `connection refused`, …
//!
//! Pure: lines in, symptoms out. Programs say the same few errors in many words; [`phrases`] has
//! those of the languages and servers that people use, and [`place`] finds the address within.

mod phrases;
mod place;

use wharf_advice::{Operation, Symptom, Target};

/// A line of a program's output that tells of a failure, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) symptom: Symptom,
    /// Where it failed, if the program said so.
    pub(crate) target: Option<Target>,
}

/// Programs tell the port up to so many lines after the error (`Hint: Is another postmaster
/// already running on port 5432?`), or before it.
const NEAR: usize = 6;

/// What `lines` tell, in their order; the same failure at the same place once.
pub(crate) fn told(lines: &[String]) -> Vec<Told> {
    let mut found: Vec<Told> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((operation, failure)) = phrases::meaning(line) else {
            continue;
        };
        let target = place::of(line).or_else(|| near(lines, at));
        let address = match &target {
            Some(Target::Address(address)) => Some(*address),
            _ => None,
        };
        let symptom = Symptom {
            operation: Some(operation),
            failure,
            address,
            text: shown(line),
        };
        let is_known = found.iter().any(|told| {
            told.symptom.failure == symptom.failure
                && told.symptom.operation == symptom.operation
                && (told.target == target || target.is_none())
        });
        if !is_known {
            found.push(Told { symptom, target });
        }
    }
    found
}

/// The one that explains the rest: whoever cannot take its port or name fails at once; a refusal may
/// be what follows.
pub(crate) fn cause(found: &[Told]) -> Option<&Told> {
    let rank = |told: &&Told| {
        let does_not_bind = told.symptom.operation != Some(Operation::Bind);
        (does_not_bind, told.target.is_none())
    };
    found.iter().min_by_key(rank)
}

/// The place that the lines around tell: those after it first.
fn near(lines: &[String], at: usize) -> Option<Target> {
    let after = lines.iter().skip(at + 1).take(NEAR);
    let before = lines.iter().take(at).rev().take(NEAR);
    after.chain(before).find_map(|line| place::of(line))
}

/// A line as it may be shown again.
fn shown(line: &str) -> String {
    const MOST: usize = 300;
    let plain = phrases::without_escapes(line);
    plain
        .trim()
        .chars()
        .filter(|character| !character.is_control())
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests;
