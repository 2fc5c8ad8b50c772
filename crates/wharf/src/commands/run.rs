//! `wharf run -- COMMAND`: one service, without a file.

use std::process::ExitCode;

use wharf_stack::Source;

use super::up::foreground;
use crate::cli::Run;
use crate::report::Report;
use crate::surroundings::Surroundings;

pub(super) fn run(here: &Surroundings, args: &Run) -> Result<ExitCode, Report> {
    let words: Vec<String> = args
        .command
        .iter()
        .map(|word| toml::Value::from(word.clone()).to_string())
        .collect();
    let name = &args.name;
    let text = format!(
        "[service.{name}]\nrun = [{}]\nrestart = \"never\"\n",
        words.join(", ")
    );
    let source = Source::Made {
        text,
        directory: here.cwd.clone(),
        tag: format!("run:{name}"),
    };
    foreground(here, source)
}
