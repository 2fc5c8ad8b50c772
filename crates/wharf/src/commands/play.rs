//! `wharf play`: a scenario of the project file, played on the running stack.
//!
//! The stack plays; this shows what happens, and when it is interrupted the stack undoes what was
//! done. So nothing is left behind even if this program is killed.

use std::time::Duration;

use serde::Serialize;
use wharf_stack::Source;
use wharf_stack::control::{Reply, Request};
use wharf_stack::project::Project;
use wharf_stack::scenario::Scenario;

use crate::cli::Play;
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::target;

/// A line of what happened, for programs.
#[derive(Serialize)]
struct Happened<'a> {
    at_ms: u64,
    said: &'a str,
}

pub(super) fn run(here: &Surroundings, args: &Play) -> Result<(), Report> {
    let Some(name) = &args.scenario else {
        return list(here, args);
    };
    if args.dry_run {
        return show(&find(here, args, name)?);
    }
    let client = target::find(here, &args.which)?.client();
    let request = Request::Play {
        scenario: name.clone(),
    };
    let mut ended = false;
    for reply in client.ask_for_many(&request)? {
        match reply? {
            Reply::Played { at_ms, said } if args.json => out::json_line(&Happened { at_ms, said: &said }),
            Reply::Played { at_ms, said } => out::line(&format!("{}  {said}", clock(at_ms))),
            Reply::Done { said } => {
                ended = true;
                said.iter()
                    .filter(|_| !args.json)
                    .for_each(|said| out::line(said));
            }
            Reply::Refused(refusal) => return Err(wharf_stack::control::ControlError::from(refusal).into()),
            _ => {}
        }
    }
    match ended {
        true => Ok(()),
        false => Err(Report::new(
            Code::Failed,
            format!("play {name}: the stack ended before the scenario did"),
        )),
    }
}

fn project(here: &Surroundings, args: &Play) -> Result<Project, Report> {
    let file = here.file(args.which.file.as_deref());
    Ok(Source::File(file).project()?)
}

fn find(here: &Surroundings, args: &Play, name: &str) -> Result<Scenario, Report> {
    let project = project(here, args)?;
    let names: Vec<&str> = project
        .scenarios
        .iter()
        .map(|known| known.name.as_str())
        .collect();
    let hint = match names.is_empty() {
        true => format!("write [scenario.{name}] in {}", project.path.display()),
        false => format!("there are {}", names.join(", ")),
    };
    let found = project.scenarios.iter().find(|known| known.name.as_str() == name);
    found
        .cloned()
        .ok_or_else(|| Report::new(Code::BadInput, format!("there is no scenario `{name}`")).hint(hint))
}

fn list(here: &Surroundings, args: &Play) -> Result<(), Report> {
    let project = project(here, args)?;
    let rows: Vec<Vec<String>> = project
        .scenarios
        .iter()
        .map(|scenario| {
            let length = match scenario.whole_length() {
                Some(length) => clock(millis(length)),
                None => "until interrupted".to_owned(),
            };
            let about = scenario.about.clone().unwrap_or_default();
            vec![
                scenario.name.to_string(),
                length,
                scenario.steps.len().to_string(),
                about,
            ]
        })
        .collect();
    out::table(&["SCENARIO", "LENGTH", "STEPS", "WHAT IT IS"], &rows);
    Ok(())
}

/// What a scenario does in a pass, without doing it.
fn show(scenario: &Scenario) -> Result<(), Report> {
    let mut time = Some(Duration::ZERO);
    let mut before = Vec::new();
    while let Some(now) = time {
        let layers = scenario.layers(now);
        for layer in layers.iter().filter(|layer| !before.contains(*layer)) {
            if let Some(step) = scenario.steps.get(layer.step) {
                out::line(&format!("{}  {step}", clock(millis(now))));
            }
        }
        before = layers;
        time = scenario.next_after(now);
    }
    out::line(&format!("{}  the end", clock(millis(scenario.length))));
    Ok(())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Minutes, seconds and tenths.
fn clock(millis: u64) -> String {
    let tenths = millis / 100;
    format!("{:>2}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}
