//! Each situation of the catalogue, and those that look like it and are not.
//!
//! A scenario is a block of lines in `scenarios/*.txt`: facts ([`crate::machine`]), and what must be
//! found: `first RULE` names the first finding, or none; `not RULE` a rule that must be silent;
//! `says TEXT` is in the first finding's words; `runs COMMAND` is one of its fixes.

use std::collections::BTreeSet;

use wharf_advice::{CheckOutcome, Finding, doctor, explain, rules};

use crate::machine::Machine;

const CHAPTERS: &[(&str, &str)] = &[
    ("nothing", include_str!("scenarios/nothing.txt")),
    ("containers", include_str!("scenarios/containers.txt")),
    ("names", include_str!("scenarios/names.txt")),
    ("in-use", include_str!("scenarios/in-use.txt")),
    ("connect", include_str!("scenarios/connect.txt")),
    ("wrong", include_str!("scenarios/wrong.txt")),
    ("browser", include_str!("scenarios/browser.txt")),
];

/// What the machine's findings are, the first first: by explain, or else by doctor.
pub(crate) fn findings(machine: &Machine) -> Vec<Finding> {
    let snapshot = machine.snapshot();
    match machine.question() {
        Some(question) => explain(&snapshot, &question).findings,
        None => doctor(&snapshot)
            .into_iter()
            .filter_map(|row| match row.outcome {
                CheckOutcome::Finding(finding) => Some(finding),
                CheckOutcome::Ok { .. } | CheckOutcome::Unknown { .. } => None,
            })
            .collect(),
    }
}

/// Runs one block; what it expected to find and not to find is added to the sets.
#[track_caller]
fn check(chapter: &str, block: &str, found: &mut BTreeSet<String>, silent: &mut BTreeSet<String>) {
    let mut machine = Machine::quiet();
    let mut expected = Vec::new();
    for line in block.lines().filter(|line| !line.starts_with('#')) {
        if !machine.take(line) {
            expected.push(line.split_once(' ').expect("an expectation"));
        }
    }
    assert!(!expected.is_empty(), "{chapter}: nothing is expected of\n{block}");
    let findings = findings(&machine);
    let first = findings.first();
    let shown = findings
        .iter()
        .map(|finding| format!("  {} ({}) {}", finding.rule, finding.likelihood, finding.says))
        .collect::<Vec<_>>()
        .join("\n");
    for (verb, what) in expected {
        let holds = match verb {
            "first" => first.map_or("none", |finding| finding.rule.as_str()) == what,
            "not" => findings.iter().all(|finding| finding.rule.as_str() != what),
            "also" => findings.iter().any(|finding| finding.rule.as_str() == what),
            "says" => first.is_some_and(|finding| finding.says.contains(what)),
            "seen" => {
                first.is_some_and(|finding| finding.evidence.iter().any(|each| each.fact.contains(what)))
            }
            "runs" => first.is_some_and(|finding| {
                finding
                    .fixes
                    .iter()
                    .any(|fix| fix.command.as_deref().is_some_and(|own| own.contains(what)))
            }),
            _ => panic!("{chapter}: `{verb} {what}` is neither a fact nor an expectation"),
        };
        assert!(
            holds,
            "{chapter}: expected `{verb} {what}` of\n{block}\nfound:\n{shown}"
        );
        match verb {
            "first" => found.insert(what.to_owned()),
            "not" => silent.insert(what.to_owned()),
            _ => true,
        };
    }
}

#[test]
fn each_situation_is_told_and_none_is_cried() {
    let (mut found, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for (chapter, text) in CHAPTERS {
        for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
            check(chapter, block, &mut found, &mut silent);
        }
    }
    for rule in rules() {
        assert!(found.contains(rule.id.as_str()), "{} is first nowhere", rule.id);
        assert!(silent.contains(rule.id.as_str()), "{} is silent nowhere", rule.id);
    }
}

/// The facts of a chapter's machines, for other tests.
pub(crate) fn machines() -> Vec<Machine> {
    let blocks = CHAPTERS.iter().flat_map(|(_, text)| text.split("\n\n"));
    blocks
        .map(|block| {
            let mut machine = Machine::quiet();
            for line in block.lines().filter(|line| !line.starts_with('#')) {
                machine.take(line);
            }
            machine
        })
        .collect()
}
