//! The limit of open files.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit as it was before the first relay raised it.
static BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// The soft limit of open files as it was before the first relay of this process raised it, or as
/// it is, if none has. `None`: there is no limit. Programs that use `select` break when they inherit
/// a soft limit above 1024, so give it back to those you start.
#[must_use]
pub fn descriptor_limit() -> Option<u64> {
    BEFORE
        .get()
        .map_or_else(|| getrlimit(Resource::Nofile).current, |limit| limit.current)
}

/// Raises the soft limit of open files to the hard one. Where that is not allowed (macOS has a
/// lower bound of its own), things stay as they were, and accepting sheds when it has to.
pub(crate) fn raise() {
    let before = *BEFORE.get_or_init(|| getrlimit(Resource::Nofile));
    let wanted = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    if before.current != before.maximum {
        let _ = setrlimit(Resource::Nofile, wanted);
    }
}
