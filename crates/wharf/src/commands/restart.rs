//! `wharf restart SERVICE`: returns once everything is settled again.

use wharf_stack::control::Request;

use crate::cli::Which;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, service: &str, which: &Which) -> Result<(), Report> {
    let client = target::find(here, which)?.client();
    client.ask(&Request::Restart {
        service: service.to_owned(),
    })?;
    client
        .ask(&Request::Settle)
        .map_err(Report::from)
        .map_err(|report| report.with_code(Code::Failed))?;
    Ok(())
}
