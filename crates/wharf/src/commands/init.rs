//! `wharf init`.

use wharf_stack::init::{self, InitError, Machine};
use wharf_stack::project::FILE_NAME;

use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::current_dir;

pub(super) fn run(print: bool) -> Result<(), Report> {
    let directory = current_dir()?;
    let machine = Machine::this(std::env::var_os("PATH").as_deref());
    let proposal = init::propose(&init::gather(&directory, &machine)?);
    if print {
        out::text(&proposal.toml);
    } else {
        init::write(&directory, &proposal)?;
    }
    for note in &proposal.notes {
        out::error_line(&format!("note: {note}"));
    }
    if !print {
        out::line(&format!("wrote {FILE_NAME}: start it with `wharf up`"));
    }
    Ok(())
}

impl From<InitError> for Report {
    fn from(error: InitError) -> Self {
        Report::new(Code::BadInput, error)
    }
}
