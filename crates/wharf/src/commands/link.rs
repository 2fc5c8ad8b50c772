//! `wharf link TARGET`: one link to anything, without a file.
//!
//! It is a stack with no services, one external and a client that Wharf does not start; so
//! `wharf links`, `set`, `cut` and `heal` work on it as on any other.

use std::process::ExitCode;

use wharf_stack::Source;

use super::links::flags_to_toml;
use super::up::foreground;
use crate::cli::LinkArgs;
use crate::report::Report;
use crate::surroundings::Surroundings;

pub(super) fn run(here: &Surroundings, args: &LinkArgs) -> Result<ExitCode, Report> {
    let name = wharf_stack::identity::label(&args.target.0);
    let conditions = flags_to_toml(&args.conditions)?;
    let listen = args
        .listen
        .map(|port| format!("listen = {port}\n"))
        .unwrap_or_default();
    let text = format!(
        "name = \"link-{name}\"\n[external.{name}]\naddress = \"{}\"\n[link.\"client -> {name}\"]\n{listen}{conditions}",
        args.target.0
    );
    let source = Source::Made {
        text,
        directory: here.cwd.clone(),
        tag: format!("link:{name}"),
    };
    foreground(here, source)
}
