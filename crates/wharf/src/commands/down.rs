//! `wharf down`.

use wharf_stack::control::Request;

use crate::cli::Which;
use crate::out;
use crate::report::Report;
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, which: &Which) -> Result<(), Report> {
    let running = target::find(here, which)?;
    running.client().ask(&Request::Down)?;
    out::error_line(&format!("{} is down", running.record.stack));
    Ok(())
}
