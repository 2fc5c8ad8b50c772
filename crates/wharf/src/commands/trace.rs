//! `wharf trace`: rates that change over time, shown and made up.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use wharf_link::Seed;
use wharf_link::trace::synth::{Model, models};
use wharf_link::trace::{LONGEST_TEXT, Repeat, Trace, plot};

use crate::cli;
use crate::out;
use crate::report::{Code, Report};

/// A model as a program reads it.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    summary: &'a str,
    source: &'a str,
}

pub(super) fn run(command: &cli::Trace) -> Result<(), Report> {
    match command {
        cli::Trace::Show { file, svg } => show(file, *svg),
        cli::Trace::Synth {
            like,
            seconds,
            seed,
            output,
        } => synth(like, *seconds, Seed(*seed), output.as_deref()),
        cli::Trace::Models { json } => {
            list(*json);
            Ok(())
        }
    }
}

fn show(file: &Path, svg: bool) -> Result<(), Report> {
    let bad = |error: &dyn std::fmt::Display| Report::new(Code::BadInput, error);
    let size = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    if size > LONGEST_TEXT.bytes() {
        return Err(bad(&format!(
            "read {}: it is longer than {LONGEST_TEXT}",
            file.display()
        )));
    }
    let text = std::fs::read(file).map_err(|error| bad(&format!("read {}: {error}", file.display())))?;
    let name = file.display().to_string();
    let trace = Trace::parse(&name, &text, Repeat::Loop).map_err(|error| bad(&error))?;
    if svg {
        out::text(&plot::svg(&trace, 960, 320));
        return Ok(());
    }
    let width = u16::try_from(out::terminal_width()).unwrap_or(80);
    out::text(&plot::text(&trace, width, 16));
    out::line(&format!(
        "{}: {} in {:.1} s, {} on the whole",
        name,
        out::bytes(trace.opportunities() * 1500),
        trace.period().as_secs_f64(),
        trace.mean_rate()
    ));
    Ok(())
}

fn synth(like: &str, seconds: u64, seed: Seed, output: Option<&Path>) -> Result<(), Report> {
    let model = match Model::named(like) {
        Some(model) => model.clone(),
        None => like.parse::<Model>().map_err(|error| {
            Report::new(Code::BadInput, format!("make a trace like `{like}`: {error}"))
                .hint("`wharf trace models` lists what there is")
        })?,
    };
    let trace = model
        .trace(Duration::from_secs(seconds), seed)
        .map_err(|error| Report::new(Code::BadInput, error))?;
    match output {
        None => out::text(&trace.to_string()),
        Some(path) => {
            std::fs::write(path, trace.to_string())
                .map_err(|error| Report::new(Code::Failed, format!("write {}: {error}", path.display())))?;
            out::line(&format!(
                "{}: {seconds} s like {}, {} on the whole, seed {seed}",
                path.display(),
                model.name(),
                trace.mean_rate()
            ));
        }
    }
    Ok(())
}

fn list(json: bool) {
    if json {
        let models = models().iter().map(|model| Line {
            name: model.name(),
            summary: model.summary(),
            source: model.source(),
        });
        out::json(&models.collect::<Vec<_>>());
        return;
    }
    let rows: Vec<Vec<String>> = models()
        .iter()
        .map(|model| {
            vec![
                model.name().to_owned(),
                model.summary().to_owned(),
                model.source().to_owned(),
            ]
        })
        .collect();
    out::table(&["MODEL", "WHAT IT IS", "SOURCE OF ITS FIGURES"], &rows);
}
