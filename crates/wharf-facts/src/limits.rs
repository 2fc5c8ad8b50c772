//! What may be used up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Seen;

/// A thing of which there is only so much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// How much is in use.
    pub used: u64,
    /// How much there may be.
    pub limit: u64,
}

/// What the viewer may use of the system's scarce things.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Limits {
    /// The viewer's own soft limit of descriptors (`RLIMIT_NOFILE`).
    pub descriptors: Seen<u64>,
    /// The viewer's hard limit of descriptors.
    pub descriptors_hard: Seen<u64>,
    /// Open files of the whole system, and how many there may be (`fs.file-nr`).
    pub files: Seen<Usage>,
    /// inotify watches that a user may have (`fs.inotify.max_user_watches`).
    pub inotify_watches: Seen<u64>,
    /// inotify instances that a user may have (`fs.inotify.max_user_instances`).
    pub inotify_instances: Seen<u64>,
}
