//! Which topology is meant: one that is ready, or one of a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use wharf_stack::project::Project;
use wharf_topology::{NodeId, NodeSpec, Ready, SegmentId, SegmentSpec, Spec, Topology, ready};

use crate::report::{Code, Report};

/// More than any file that a person writes, and little enough to be read whole.
const LONGEST: u64 = 4 << 20;

/// A topology, and what it is called.
pub(in crate::commands) struct Found {
    pub(in crate::commands) name: String,
    pub(in crate::commands) topology: Topology,
}

/// The sections of a file that are a topology's. All others are somebody else's.
#[derive(Deserialize)]
struct Sections {
    #[serde(default)]
    node: BTreeMap<String, NodeSpec>,
    #[serde(default)]
    segment: BTreeMap<String, SegmentSpec>,
}

impl Found {
    /// Names come before files: `./NAME` is the file of such a name.
    pub(in crate::commands) fn find(which: &str) -> Result<Self, Report> {
        let build = |spec: &Spec| {
            Topology::build(spec)
                .map_err(|error| Report::new(Code::BadInput, format!("topology {which}: {error}")))
        };
        let topology = match Ready::named(which) {
            Some(ready) => build(&ready.spec)?,
            None => {
                let text = read(which)?;
                match of_services(which, &text)? {
                    Some(topology) => topology,
                    None => build(&sections(which, &text)?)?,
                }
            }
        };
        Ok(Self {
            name: which.to_owned(),
            topology,
        })
    }

    /// The node of that name.
    pub(in crate::commands) fn node(&self, name: &str) -> Result<NodeId, Report> {
        self.topology.node(name).ok_or_else(|| {
            let names = self.topology.nodes().map(|(_, node)| node.name.as_str());
            let otherwise = format!("`wharf topology {}` shows them", self.name);
            Report::new(
                Code::BadInput,
                format!("topology {}: there is no node `{name}`", self.name),
            )
            .near(name, names, &otherwise)
        })
    }

    /// The segment of that name.
    pub(in crate::commands) fn segment(&self, name: &str) -> Result<SegmentId, Report> {
        self.topology.segment(name).ok_or_else(|| {
            let names = self.topology.segments().map(|(_, segment)| segment.name.as_str());
            let otherwise = format!("`wharf topology {}` shows them", self.name);
            Report::new(
                Code::BadInput,
                format!("topology {}: there is no segment `{name}`", self.name),
            )
            .near(name, names, &otherwise)
        })
    }
}

fn read(which: &str) -> Result<String, Report> {
    let path = Path::new(which);
    let is_path = path.exists() || which.contains(['/', '.', '\\']);
    if !is_path {
        let names = ready().iter().map(|ready| ready.name);
        return Err(
            Report::new(Code::BadInput, format!("there is no topology `{which}`")).near(
                which,
                names,
                "`wharf topology` lists those that are ready; a file is named by its path",
            ),
        );
    }
    let bad = |error: &dyn std::fmt::Display| Report::new(Code::BadInput, format!("read {which}: {error}"));
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text))
        .map_err(|error| bad(&error))?;
    if text.len() as u64 > LONGEST {
        return Err(bad(&format!("it is longer than {} MiB", LONGEST >> 20)));
    }
    Ok(text)
}

/// The network of a file with services: they are hosts of it, and need no `[node]`. None: it has no services.
fn of_services(which: &str, text: &str) -> Result<Option<Topology>, Report> {
    let has_services = toml::from_str::<toml::Table>(text).is_ok_and(|table| table.contains_key("service"));
    if !has_services {
        return Ok(None);
    }
    let project = Project::parse(text, Path::new(which))
        .map_err(|error| Report::new(Code::BadInput, error.to_string()))?;
    project.network.map(Some).ok_or_else(|| {
        Report::new(
            Code::BadInput,
            format!("read {which}: it has no [node.X] and no [segment.X] with nodes"),
        )
        .hint("without them, `wharf up --lab` joins all services by one segment")
    })
}

fn sections(which: &str, text: &str) -> Result<Spec, Report> {
    let bad = |error: &dyn std::fmt::Display| Report::new(Code::BadInput, format!("read {which}: {error}"));
    let Sections { node, segment } = toml::from_str(text).map_err(|error| {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        Report::new(
            Code::BadInput,
            format!("{which}:{line}:{column}: {}", error.message()),
        )
    })?;
    if node.is_empty() && segment.is_empty() {
        return Err(bad(&"it has no [node.X] and no [segment.X]")
            .hint("`wharf topology` lists those that are ready, to begin with"));
    }
    Ok(Spec { node, segment })
}

/// The line and column of a byte, from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|char| *char != '\n').count() + 1;
    (line, column)
}
