//! A finding in the making: what a rule gives, before its name is put to it.

use crate::{Evidence, Finding, Fix, Method, Rule, Severity, words};

/// What a finding can be about.
pub(crate) trait Subject {
    /// It, in words.
    fn name(self) -> String;
}

impl<T: ToString> Subject for T {
    fn name(self) -> String {
        self.to_string()
    }
}

/// What a rule found, without the rule's name.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    finding: Body,
}

#[derive(Debug, Clone)]
struct Body {
    subject: String,
    severity: Severity,
    likelihood: u8,
    says: String,
    evidence: Vec<Evidence>,
    fixes: Vec<Fix>,
}

impl Draft {
    /// It does not work, and this is why.
    pub(crate) fn problem(subject: impl Subject, says: impl Into<String>) -> Self {
        Self::new(Severity::Problem, 80, subject.name(), says.into())
    }

    /// It works, and will bite.
    pub(crate) fn warning(subject: impl Subject, says: impl Into<String>) -> Self {
        Self::new(Severity::Warning, 50, subject.name(), says.into())
    }

    /// Good to know.
    pub(crate) fn note(subject: impl Subject, says: impl Into<String>) -> Self {
        Self::new(Severity::Note, 30, subject.name(), says.into())
    }

    fn new(severity: Severity, likelihood: u8, subject: String, says: String) -> Self {
        Self {
            finding: Body {
                subject,
                severity,
                likelihood,
                says,
                evidence: Vec::new(),
                fixes: Vec::new(),
            },
        }
    }

    /// As likely as this, where it is not as usual: 80 for a problem, 50 for a warning, 30 for a
    /// note.
    pub(crate) fn likely(mut self, likelihood: u8) -> Self {
        self.finding.likelihood = likelihood.min(100);
        self
    }

    /// Because of `fact`, known by `method`.
    pub(crate) fn seen(mut self, method: Method, fact: impl Into<String>) -> Self {
        self.finding.evidence.push(Evidence {
            fact: fact.into(),
            method,
        });
        self
    }

    /// Mended by doing this.
    pub(crate) fn fix(mut self, what: impl Into<String>) -> Self {
        self.finding.fixes.push(Fix {
            what: what.into(),
            command: None,
        });
        self
    }

    /// Mended by this command.
    pub(crate) fn run(mut self, what: impl Into<String>, command: impl Into<String>) -> Self {
        self.finding.fixes.push(Fix {
            what: what.into(),
            command: Some(command.into()),
        });
        self
    }

    /// The finding of `rule`.
    pub(crate) fn by(self, rule: &Rule) -> Finding {
        let Body {
            subject,
            severity,
            likelihood,
            says,
            evidence,
            fixes,
        } = self.finding;
        let clean = |text: String| words::clean(&text);
        Finding {
            rule: rule.id,
            subject: clean(subject),
            severity,
            likelihood,
            says: clean(says),
            evidence: evidence
                .into_iter()
                .map(|evidence| Evidence {
                    fact: clean(evidence.fact),
                    ..evidence
                })
                .collect(),
            fixes: fixes
                .into_iter()
                .map(|fix| Fix {
                    what: clean(fix.what),
                    command: fix.command.map(clean),
                })
                .collect(),
        }
    }
}
