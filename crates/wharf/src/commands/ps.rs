//! `wharf ps`.

use wharf_stack::control::{ServiceStatus, StackStatus};

use crate::cli::Which;
use crate::out::{self, Style};
use crate::report::Report;
use crate::screen::state;
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, which: &Which, all: bool, json: bool) -> Result<(), Report> {
    let stacks: Vec<StackStatus> = if all {
        // A stack that goes away while it is asked is not running any more.
        target::all(here)
            .iter()
            .filter_map(|running| running.client().status().ok())
            .collect()
    } else {
        vec![target::find(here, which)?.client().status()?]
    };
    if json {
        if all {
            out::json(&stacks)
        } else {
            out::json(&stacks[0])
        }
        return Ok(());
    }
    if stacks.is_empty() {
        out::error_line("no stack is running");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = stacks
        .iter()
        .flat_map(|stack| stack.services.iter().map(|service| row(stack, service)))
        .collect();
    out::table(
        &[
            "STACK", "SERVICE", "STATE", "FOR", "PID", "LISTENS", "RESTARTS", "URL",
        ],
        &rows,
    );
    Ok(())
}

fn row(stack: &StackStatus, service: &ServiceStatus) -> Vec<String> {
    let listens: Vec<String> = service.listens.iter().map(ToString::to_string).collect();
    let dash = |text: Option<String>| {
        text.filter(|text| !text.is_empty())
            .unwrap_or_else(|| "-".to_owned())
    };
    let url = if stack.names_resolve {
        &service.url
    } else {
        &service.direct_url
    };
    let name = match &stack.branch {
        Some(branch) => format!("{branch}.{}", stack.stack),
        None => stack.stack.clone(),
    };
    vec![
        name,
        service.name.clone(),
        state(Style::of_stdout(), &service.phase),
        out::age(service.since_ms),
        dash(service.pid.map(|pid| pid.to_string())),
        dash(Some(listens.join(" "))),
        service.restarts.to_string(),
        dash(url.clone()),
    ]
}
