//! `wharf logs [SERVICE]`.

use std::path::PathBuf;

use wharf_stack::Source;
use wharf_stack::control::{LogQuery, Reply, Request};
use wharf_stack::logs::{Line, Stream};

use crate::cli::LogsArgs;
use crate::out;
use crate::report::{Code, Report};
use crate::screen::LinePrinter;
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, args: &LogsArgs) -> Result<(), Report> {
    let running = match target::find(here, &args.which) {
        Ok(running) => running,
        Err(report) => return print_kept(here, args).unwrap_or(Err(report)),
    };
    let status = running.client().status()?;
    let names: Vec<String> = status
        .services
        .iter()
        .map(|service| service.name.clone())
        .collect();
    if let Some(service) = args
        .service
        .as_ref()
        .filter(|service| !names.contains(service) && *service != "wharf")
    {
        let report = Report::new(
            Code::BadInput,
            format!("there is no service `{service}` in stack {}", status.stack),
        );
        return Err(report.hint(format!("there are {}", names.join(", "))));
    }
    let query = LogQuery {
        service: args.service.clone(),
        last: args.lines,
        follow: args.follow,
    };
    let printer = LinePrinter::new(&names);
    for reply in running.client().ask_for_many(&Request::Logs(query))? {
        match reply? {
            Reply::Line(line) if args.json => match serde_json::to_string(&line) {
                Ok(text) => out::line(&text),
                Err(error) => return Err(Report::new(Code::Failed, error)),
            },
            Reply::Line(line) => out::line(&printer.format(&line)),
            Reply::Refused(refusal) => return Err(refusal.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Prints what a stack that does not run any more has left in its files. `None` if there is nothing.
fn print_kept(here: &Surroundings, args: &LogsArgs) -> Option<Result<(), Report>> {
    let identity = Source::File(here.file(args.which.file.as_deref()))
        .identity()
        .ok()?;
    let directory = here.run_dir.files(&identity).log_directory(&here.state);
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "log"));
    files.sort();
    let name_of = |file: &PathBuf| {
        file.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    files.retain(|file| {
        args.service
            .as_ref()
            .is_none_or(|service| *service == name_of(file))
    });
    if files.is_empty() {
        return None;
    }
    out::error_line("the stack is not running: this is what was kept of its last runs");
    let printer = LinePrinter::new(&files.iter().map(name_of).collect::<Vec<_>>());
    for file in &files {
        let text = match std::fs::read(file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => {
                return Some(Err(Report::new(
                    Code::Unusable,
                    format!("read {}: {error}", file.display()),
                )));
            }
        };
        let lines: Vec<&str> = text.lines().collect();
        for text in &lines[lines.len().saturating_sub(args.lines)..] {
            let (service, text) = (name_of(file), (*text).to_owned());
            out::line(&printer.format(&Line {
                at_ms: 0,
                service,
                stream: Stream::Out,
                text,
            }));
        }
    }
    Some(Ok(()))
}
