//! From a question to an explanation.

use wharf_facts::Snapshot;

use crate::{Explanation, Question, words};

/// What there is to say of what `question` asks about, on the machine of `snapshot`.
#[must_use]
pub fn explain(snapshot: &Snapshot, question: &Question) -> Explanation {
    let _ = snapshot;
    Explanation {
        subject: words::clean(&question.target.to_string()),
        summary: "not looked at".to_owned(),
        port: None,
        listeners: Vec::new(),
        peers: Vec::new(),
        routes: Vec::new(),
        others: Vec::new(),
        last_used: None,
        findings: Vec::new(),
        unknowns: vec!["who listens: this version does not look".to_owned()],
    }
}
