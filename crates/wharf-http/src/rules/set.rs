//! Rules in force: who is hit, by a draw that anyone can repeat.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::HeaderMap;
use wharf_link::{Probability, Seed};

use super::Rule;

/// What rules ask of a request.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    /// Without scheme, authority and query.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a dyn Headers,
}

/// Headers, however they are kept.
pub(crate) trait Headers {
    /// Whether a header of this name, in lower case, has a value that passes `test`.
    fn any(&self, name: &str, test: &dyn Fn(&[u8]) -> bool) -> bool;
}

impl Headers for HeaderMap {
    fn any(&self, name: &str, test: &dyn Fn(&[u8]) -> bool) -> bool {
        self.get_all(name).iter().any(|value| test(value.as_bytes()))
    }
}

/// The rules of a stage, from one change to the next.
#[derive(Debug, Default)]
pub(crate) struct RuleSet {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    rule: Arc<Rule>,
    seed: Seed,
    /// Requests that matched but for the draw.
    seen: AtomicU64,
    hits: AtomicU64,
}

impl RuleSet {
    pub(crate) fn new(rules: Vec<Rule>, seed: Seed) -> Self {
        let entry = |(index, rule): (usize, Rule)| Entry {
            rule: Arc::new(rule),
            seed: seed.derive(&format!("rule {index}")),
            seen: AtomicU64::new(0),
            hits: AtomicU64::new(0),
        };
        Self {
            entries: rules.into_iter().enumerate().map(entry).collect(),
        }
    }

    /// The rule for a request. A draw depends on the seed, the rule's place and how many requests this rule
    /// has matched before: requests that are none of its business do not move it.
    pub(crate) fn decide(&self, ask: Ask<'_>) -> Option<Arc<Rule>> {
        let entry = self.entries.iter().find(|entry| entry.takes(ask))?;
        entry.hits.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(&entry.rule))
    }

    pub(crate) fn hits(&self) -> Vec<u64> {
        let hits = |entry: &Entry| entry.hits.load(Ordering::Relaxed);
        self.entries.iter().map(hits).collect()
    }
}

impl Entry {
    fn takes(&self, ask: Ask<'_>) -> bool {
        self.rule.matches(ask) && {
            let number = self.seen.fetch_add(1, Ordering::Relaxed);
            is_hit(self.seed, number, self.rule.probability)
        }
    }
}

impl Rule {
    fn matches(&self, ask: Ask<'_>) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|method| method == ask.method))
            && self.path.as_ref().is_none_or(|glob| glob.matches(ask.path))
            && self.headers.iter().all(|header| {
                let test = |value: &[u8]| header.value.as_ref().is_none_or(|glob| glob.matches(value));
                ask.headers.any(&header.name, &test)
            })
    }
}

fn is_hit(seed: Seed, number: u64, probability: Probability) -> bool {
    const BILLION: u128 = 1_000_000_000;
    let draw = seed.derive(&number.to_string()).0;
    let parts = (u128::from(draw) * BILLION) >> 64;
    parts < u128::from(probability.parts_per_billion())
}
