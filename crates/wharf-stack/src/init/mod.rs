//! `wharf init`: a first project file, proposed from what a folder already says about itself.
//!
//! Two steps, one with effects and one without. [`gather`] reads the folder (package.json scripts,
//! a Procfile, a compose file, Cargo manifests, manage.py, Python and Go programs, index.html) and
//! looks for installed programs. [`propose`] turns these [`Findings`] into the text of a
//! `wharf.toml`, with a comment for whatever a person should look at, and notes to be printed.
//!
//! A container image whose program is installed becomes a service of its own, with its data under
//! `.wharf/`; one whose program is not becomes an external. Which program, and how it is run, stands
//! in `data/images.toml`.
//!
//! It never runs anything, never changes a file that is there (`write` only ever makes a new
//! one), and never proposes a text that [`Project::parse`](crate::project::Project::parse) refuses.

mod apps;
mod compose;
mod draft;
mod findings;
mod gather;
mod images;
mod manifests;
mod propose;
mod wire;
mod yaml;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use compose::{Compose, ComposeService};
pub use findings::{App, AppKind, Findings, Machine};
pub use gather::gather;
pub use propose::{Proposal, propose};

use crate::project::FILE_NAME;

/// Why no project file was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The folder can't be read.
    #[error("read {}: {source}", folder.display())]
    Read {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is one already.
    #[error("{} is there already, and is left as it is", .0.display())]
    Exists(PathBuf),
    /// The file can't be written.
    #[error("write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Writes a proposal into a folder that has no project file yet.
pub fn write(folder: &Path, proposal: &Proposal) -> Result<PathBuf, InitError> {
    let file = folder.join(FILE_NAME);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .and_then(|mut open| open.write_all(proposal.toml.as_bytes()));
    match written {
        Ok(()) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(InitError::Exists(file)),
        Err(source) => Err(InitError::Write { file, source }),
    }
}
