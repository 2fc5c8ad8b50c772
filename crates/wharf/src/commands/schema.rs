//! `wharf schema`: the JSON Schemas of what Wharf reads and prints.

use schemars::{JsonSchema, schema_for};
use wharf_advice::{Checkup, Explanation, Row};

use crate::cli::SchemaOf;
use crate::out;

pub(super) fn run(of: SchemaOf) {
    match of {
        SchemaOf::Project => out::text(&wharf_stack::project::schema()),
        SchemaOf::Explain => print::<Vec<Explanation>>("What `wharf explain --json` prints: a target each"),
        SchemaOf::Ls => print::<Vec<Row>>("What `wharf ls --json` prints: a port each"),
        SchemaOf::Doctor => print::<Vec<Checkup>>("What `wharf doctor --json` prints: a check each"),
        SchemaOf::Snapshot => print::<wharf_facts::Snapshot>("What `wharf snapshot` writes"),
    }
}

fn print<T: JsonSchema>(title: &str) {
    let mut schema = schema_for!(T);
    schema.insert("title".to_owned(), title.into());
    out::json(&schema);
}
