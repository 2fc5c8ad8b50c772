//! `wharf topology`: networks listed, drawn, and asked for the way from one node to another.

pub(super) mod find;
mod shape;
mod way;

use std::path::Path;

use serde::Serialize;
use wharf_topology::{Ready, draw, ready};

use crate::cli::TopologyArgs;
use crate::out;
use crate::report::{Code, Report};
use find::Found;

/// A topology that is ready to use, as a program reads it.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    summary: &'a str,
    nodes: usize,
    segments: usize,
}

impl<'a> From<&'a Ready> for Line<'a> {
    fn from(ready: &'a Ready) -> Self {
        Line {
            name: ready.name,
            summary: ready.summary,
            nodes: ready.spec.node.len(),
            segments: ready.spec.segment.len(),
        }
    }
}

pub(super) fn run(args: &TopologyArgs) -> Result<(), Report> {
    let Some(which) = &args.which else {
        list(args.json);
        return Ok(());
    };
    let found = Found::find(which)?;
    match (&args.path, &args.svg) {
        (Some(ends), _) => way::run(&found, ends, args.json),
        (None, Some(file)) => picture(&found, file),
        (None, None) if args.json => {
            out::json(&shape::Shape::of(&found));
            Ok(())
        }
        (None, None) => {
            out::text(&draw::text(&found.topology));
            Ok(())
        }
    }
}

fn list(json: bool) {
    let lines = ready().iter().map(Line::from);
    if json {
        out::json(&lines.collect::<Vec<_>>());
        return;
    }
    let rows: Vec<Vec<String>> = lines
        .map(|line| {
            vec![
                line.name.to_owned(),
                line.nodes.to_string(),
                line.segments.to_string(),
                line.summary.to_owned(),
            ]
        })
        .collect();
    out::table(&["TOPOLOGY", "NODES", "SEGMENTS", "WHAT IT IS"], &rows);
    out::line("`wharf topology NAME` draws one; `--path FROM TO` says which way packets take");
}

fn picture(found: &Found, file: &Path) -> Result<(), Report> {
    std::fs::write(file, draw::svg(&found.topology))
        .map_err(|error| Report::new(Code::Failed, format!("write {}: {error}", file.display())))?;
    let (nodes, segments) = (found.topology.nodes().len(), found.topology.segments().len());
    out::line(&format!(
        "{}: {}, {nodes} nodes and {segments} segments",
        file.display(),
        found.name
    ));
    Ok(())
}
