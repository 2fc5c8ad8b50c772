//! `wharf url SERVICE`: where a service is found by name, or without the door.

use crate::cli::Which;
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, service: &str, direct: bool, which: &Which) -> Result<(), Report> {
    let status = target::find(here, which)?.client().status()?;
    let names: Vec<&str> = status.services.iter().map(|found| found.name.as_str()).collect();
    let Some(found) = status.services.iter().find(|found| found.name == service) else {
        let report = Report::new(
            Code::BadInput,
            format!("there is no service `{service}` in stack {}", status.stack),
        );
        return Err(report.hint(format!("there are {}", names.join(", "))));
    };
    let url = if direct { &found.direct_url } else { &found.url };
    match url {
        Some(url) => {
            out::line(url);
            Ok(())
        }
        None => {
            let report = Report::new(Code::BadInput, format!("the door does not lead to {service}"));
            let address = found
                .listens
                .first()
                .or(found.ports.first().map(|port| &port.address));
            Err(report.hint(match address {
                Some(address) => {
                    format!("it is at {address}; write door = true in [service.{service}] if it speaks HTTP")
                }
                None => format!("write door = true in [service.{service}] if it speaks HTTP"),
            }))
        }
    }
}
