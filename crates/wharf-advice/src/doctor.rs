//! The health of a machine's loopback.

use wharf_facts::Snapshot;

use crate::Checkup;

/// What doctor says of the machine of `snapshot`: a row for each check, and for each finding.
#[must_use]
pub fn doctor(snapshot: &Snapshot) -> Vec<Checkup> {
    let _ = snapshot;
    Vec::new()
}
