//! A question, with what all rules ask of a snapshot.

use wharf_facts::Snapshot;

use crate::Question;

/// A question, with what all rules ask of a snapshot.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) question: Option<&'a Question>,
}
