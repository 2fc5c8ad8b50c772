//! A topology as a picture, for a terminal or as SVG. The same topology gives the same picture.

mod columns;
mod graph;
mod rows;
mod svg;
mod text;

pub use svg::svg;
pub use text::text;

use wharf_link::Profile;

use crate::topology::{Role, Segment, Topology};
use graph::Graph;

/// Where everything stands.
struct Layout {
    graph: Graph,
    /// The column of each vertex, from the left.
    columns: Vec<usize>,
    /// The row of each vertex, from the top. In one column at least 1 apart.
    rows: Vec<f64>,
}

impl Layout {
    fn of(topology: &Topology) -> Self {
        let mut graph = Graph::of(topology);
        let mut columns = columns::place(&graph);
        graph.bend(&mut columns);
        let rows = rows::place(&graph, &columns);
        Self { graph, columns, rows }
    }

    /// The row of each vertex in whole lines. In one column no two have one.
    fn lines(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|one, other| self.rows[*one].total_cmp(&self.rows[*other]));
        let mut free = vec![0; self.column_count()];
        let mut lines = vec![0; self.rows.len()];
        for vertex in order {
            let free = &mut free[self.columns[vertex]];
            // What is just short of a line, by rounding, is on it.
            let line = ((self.rows[vertex] + 0.01).floor() as usize).max(*free);
            (lines[vertex], *free) = (line, line + 1);
        }
        lines
    }

    fn column_count(&self) -> usize {
        self.columns.iter().max().map_or(0, |last| last + 1)
    }
}

/// What a segment does to packets, in as few words as say it.
fn conditions(segment: &Segment) -> String {
    let [up, down] = &segment.settings;
    if let Some(profile) = segment.profile.as_deref().and_then(Profile::named)
        && profile.up.settings() == *up
        && profile.down.settings() == *down
    {
        return profile.name.to_owned();
    }
    match up == down {
        true if up.is_empty() => String::new(),
        true => up.to_string(),
        false => format!("up {up}; down {down}"),
    }
}

/// What a node is, in a word. A host needs none.
fn role(role: &Role) -> &'static str {
    match role {
        Role::Host => "",
        Role::Router => "router",
        Role::Nat(_) => "nat",
        Role::Firewall(_) => "firewall",
    }
}
