//! Wharf: localhost, with a real network in it.
//!
//! This is the program, and its story is short: the command line is parsed, the user's
//! surroundings are read once, the command is called, and what it came to is reported once,
//! with a hint and an exit code. Each command is one file in `commands`; whatever they do
//! is done by the other crates, which neither print nor exit.

mod cli;
mod commands;
mod findings;
mod grid;
mod machine;
mod out;
mod report;
mod screen;
mod surroundings;
mod symptoms;
mod target;
mod tee;
mod vars;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // The guardian and the shim come before the command line's parser: they are on the way
    // of every start of every service.
    if let Some(code) = commands::internal::run() {
        return code;
    }
    let cli = cli::Cli::parse_from(cli::arguments(std::env::args_os()));
    match commands::run(cli) {
        Ok(code) => code,
        Err(report) => report.print(),
    }
}
