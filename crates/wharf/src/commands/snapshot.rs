//! `wharf snapshot`: the facts of this machine, as JSON.

use wharf_host::snapshot::Scope;

use crate::machine::Machine;
use crate::out;
use crate::report::Report;

pub(super) fn run() -> Result<(), Report> {
    let snapshot = Machine::Here.facts(&Scope::everything())?;
    out::json(&snapshot);
    Ok(())
}
