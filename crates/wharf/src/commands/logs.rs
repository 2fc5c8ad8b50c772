//! `wharf logs [SERVICE]`.

use wharf_stack::control::{LogQuery, Reply, Request};

use crate::cli::LogsArgs;
use crate::out;
use crate::report::{Code, Report};
use crate::screen::LinePrinter;
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, args: &LogsArgs) -> Result<(), Report> {
    let running = target::find(here, &args.which)?;
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
