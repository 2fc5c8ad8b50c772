//! What doctor says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Finding;

/// One thing that was looked at. A check with several findings has a row for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkup {
    /// The check: a name in kebab-case that never changes.
    pub check: String,
    /// What is looked at, in a few words.
    pub title: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All is well, as far as this check can tell.
    Ok {
        /// What was seen, in words.
        said: String,
    },
    /// A rule found something.
    Finding(Finding),
    /// It could not be looked at.
    Unknown {
        /// Why.
        why: String,
    },
}
