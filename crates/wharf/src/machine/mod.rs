//! The facts that a command judges: of this machine, or of another, by a file.

mod file;
mod ours;
mod probing;

use std::path::Path;

use wharf_facts::{Seen, Snapshot};
use wharf_host::snapshot::{self, Scope};

use crate::report::Report;

pub(crate) use probing::{doors, loopback, probe};

/// Where the facts come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Machine<'a> {
    /// This machine, now.
    Here,
    /// Whichever machine a file tells of.
    File(&'a Path),
}

impl<'a> Machine<'a> {
    /// The machine of a `--snapshot` flag.
    pub(crate) fn of(file: Option<&'a Path>) -> Self {
        file.map_or(Machine::Here, Machine::File)
    }

    /// Whether it can be connected to, and its processes stopped.
    pub(crate) fn is_here(self) -> bool {
        matches!(self, Machine::Here)
    }

    /// Its facts; `scope` says how many are worth their time. A file has whatever it has.
    pub(crate) fn facts(self, scope: &Scope) -> Result<Snapshot, Report> {
        match self {
            Machine::File(path) => file::read(path),
            Machine::Here => Ok(take(scope)),
        }
    }
}

/// This machine's facts, with what Wharf itself runs and has given out.
fn take(scope: &Scope) -> Snapshot {
    let mut snapshot = snapshot::take(scope);
    snapshot.ours = ours::seen();
    let runs_stacks = snapshot.ours.known().is_some_and(|ours| !ours.stacks.is_empty());
    if runs_stacks {
        snapshot.find_reasons();
    }
    snapshot
}

/// Whether anything at all is known of what Wharf runs.
pub(crate) fn ours(snapshot: &Snapshot) -> Option<&wharf_facts::Ours> {
    match &snapshot.ours {
        Seen::Known(ours) => Some(ours),
        Seen::Unknown(_) => None,
    }
}
