//! The map of a machine's ports.

use wharf_facts::Snapshot;

use crate::Row;

/// Who listens on the machine of `snapshot`: grouped by project, the newest first.
#[must_use]
pub fn map(snapshot: &Snapshot) -> Vec<Row> {
    let _ = snapshot;
    Vec::new()
}
