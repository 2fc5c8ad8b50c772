//! What the environment says.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

/// The variable's value, or a default.
#[must_use]
pub fn text(name: &str, default: &str) -> String {
    match env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => default.to_owned(),
    }
}

/// The port to listen on: `PORT`, else a default.
pub fn port(default: u16) -> io::Result<u16> {
    let text = text("PORT", &default.to_string());
    text.parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("PORT={text} is no port")))
}

/// Writes a line to the log, which is the service's output. A log that nobody reads is no reason
/// to stop.
pub fn log(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The exit of a service: why it can't go on, if so, is its last line.
#[must_use]
pub fn exit(outcome: io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
