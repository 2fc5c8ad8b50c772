//! From a question to an explanation.

use std::collections::BTreeSet;

use wharf_facts::{Snapshot, SocketFacts};

use crate::case::Case;
use crate::{
    Explanation, Finding, Question, Target, listening, others, port_facts, routes, rules, seek, unknowns,
    words,
};

/// What there is to say of what `question` asks about, on the machine of `snapshot`.
///
/// A name or a process may be at several ports: then the explanation has the listeners and findings
/// of all, and the facts about a port only of a single one.
#[must_use]
pub fn explain(snapshot: &Snapshot, question: &Question) -> Explanation {
    let ports = seek::ports(snapshot, &question.target);
    let cases: Vec<Case<'_>> = if ports.is_empty() {
        vec![Case::new(snapshot, question, None)]
    } else {
        let ports = ports
            .iter()
            .map(|&port| Case::new(snapshot, question, Some(port)));
        ports.collect()
    };
    let only = match ports.as_slice() {
        [port] => Some(*port),
        _ => None,
    };
    Explanation {
        subject: words::clean(&question.target.to_string()),
        summary: words::clean(&summary(snapshot, question, &cases)),
        port: only.map(|port| port_facts::of(snapshot, port)),
        listeners: cases.iter().flat_map(listening::listeners).collect(),
        peers: cases.iter().flat_map(others::peers).collect(),
        routes: cases.iter().flat_map(routes::routes).collect(),
        others: cases.iter().flat_map(others::others).collect(),
        last_used: only.and_then(|port| port_facts::last_use(snapshot, port)),
        findings: findings(&cases),
        unknowns: {
            let all: BTreeSet<String> = cases.iter().flat_map(unknowns::unknowns).collect();
            all.into_iter().collect()
        },
    }
}

/// What is there, in one sentence.
fn summary(snapshot: &Snapshot, question: &Question, cases: &[Case<'_>]) -> String {
    if let Some(why) = snapshot.tcp.why_unknown() {
        return format!("the sockets of this machine could not be seen: {why}");
    }
    let rows: Vec<&SocketFacts> = cases
        .iter()
        .flat_map(|case| case.listeners.iter().chain(&case.udp))
        .copied()
        .collect();
    if !rows.is_empty() {
        if cases.len() > 1 {
            let each = cases.iter().filter_map(|case| {
                let rows: Vec<&SocketFacts> = case.listeners.iter().chain(&case.udp).copied().collect();
                let port = case.port.filter(|_| !rows.is_empty())?;
                Some(format!("{port}: {}", listening::summary(snapshot, &rows)))
            });
            return each.collect::<Vec<_>>().join("; ");
        }
        return listening::summary(snapshot, &rows);
    }
    let published = cases
        .iter()
        .find_map(|case| Some((case.published()?, case.port?)));
    if let Some(((container, inside), port)) = published {
        let name = Case::container_name(container);
        return format!("port {port} leads to port {inside} of the container {name}");
    }
    match &question.target {
        Target::Pid(pid) => match snapshot.process(*pid) {
            Some(process) => format!("{} listens nowhere", words::introduce(snapshot, process)),
            None => "there is no such process, as far as can be seen".to_owned(),
        },
        Target::Name(_) if cases.iter().all(|case| case.port.is_none()) => {
            "nothing of that name listens".to_owned()
        }
        _ => "nothing listens there".to_owned(),
    }
}

/// What the rules find, the most likely cause first; one finding of each rule and subject.
fn findings(cases: &[Case<'_>]) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for case in cases {
        for rule in rules() {
            if let Some(finding) = rule.look(case)
                && !all.contains(&finding)
            {
                all.push(finding);
            }
        }
    }
    // The sort is stable: of equals, the one with the lower number comes first.
    all.sort_by_key(|finding| std::cmp::Reverse((finding.likelihood, finding.severity)));
    all
}
