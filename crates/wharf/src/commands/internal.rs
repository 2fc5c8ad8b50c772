//! What wharf executes itself as: guardian, shim, holder, the processes of a lab. Not for people.

use std::process::ExitCode;
use std::time::Duration;

use wharf_lease::Registry;

use crate::surroundings::{lease_config, state_dir};
use crate::{out, report};

/// The first argument that leaves a process holding a port: `__hold CHECKOUT SERVICE PORT SECONDS`.
pub(crate) const HOLD: &str = "__hold";

/// Runs an internal command, if the first argument is one.
pub(crate) fn run() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next()?;
    // Before anything that wants text: a lab's command may be anything.
    if first == wharf_lab::ARGUMENT {
        return Some(wharf_lab::run_stage(arguments).unwrap_or_else(|not_run| {
            out::error_line(&format!("error: {}", not_run.error));
            ExitCode::from(not_run.code)
        }));
    }
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    match first.to_str()? {
        wharf_stack::shim::ARGUMENT => {
            let error = wharf_stack::shim::exec(&arguments.next().unwrap_or_default());
            out::error_line(&format!("error: {error}"));
            // As a shell says it: not found, or found and not to be run.
            Some(ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound {
                127
            } else {
                126
            }))
        }
        "__guardian" => Some(
            match std::env::current_exe().and_then(wharf_stack::guardian::run) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    out::error_line(&format!("error: guard the services: {error}"));
                    ExitCode::FAILURE
                }
            },
        ),
        HOLD => Some(match hold(&arguments.collect::<Vec<_>>()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(report) => report.print(),
        }),
        _ => None,
    }
}

/// Holds a leased port. Says `held` on standard output once it does: the caller waits for it.
fn hold(arguments: &[String]) -> Result<(), report::Report> {
    let [checkout, service, port, seconds] = arguments else {
        return Err(report::Report::new(
            report::Code::BadInput,
            "hold a port: four arguments are needed",
        ));
    };
    let seconds = seconds.parse().unwrap_or(1);
    let registry = Registry::open(&state_dir()?, lease_config()?)?;
    let key = wharf_lease::Key {
        checkout: wharf_lease::Checkout::at(std::path::Path::new(checkout))?,
        service: service.clone(),
        port: port.clone(),
    };
    let (lease, hold) = registry.lease_held(&key)?;
    // The caller passes the line on, and then nobody reads any more.
    out::line(&lease.port().to_string());
    wharf_lease::hold_until(hold, Duration::from_secs(seconds));
    Ok(())
}
