//! For a terminal, in box-drawing characters.

use std::collections::BTreeMap;

use super::graph::Vertex;
use super::{Layout, conditions, role};
use crate::topology::{Role, SegmentId, Topology};

/// What leads out of a character.
const LEFT: u8 = 1;
const RIGHT: u8 = 2;
const UP: u8 = 4;
const DOWN: u8 = 8;

/// Draws a topology, and lists its segments below. Lines end in a newline, and have no spaces before it.
#[must_use]
pub fn text(topology: &Topology) -> String {
    let layout = Layout::of(topology);
    let mut lines = Canvas::of(topology, &layout).lines();
    let mut marks: Vec<&str> = topology.nodes().map(|(_, node)| legend(&node.role)).collect();
    if layout
        .graph
        .vertices
        .iter()
        .any(|vertex| matches!(vertex, Vertex::Shared(_)))
    {
        marks.push("═segment═");
    }
    marks.sort_unstable();
    marks.dedup();
    lines.push(String::new());
    lines.push(marks.join("  "));
    lines.push(String::new());
    lines.extend(table(topology));
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

fn legend(role: &Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Router => "(router)",
        Role::Nat(_) => "<nat>",
        Role::Firewall(_) => "[firewall]",
    }
}

fn label(topology: &Topology, vertex: Vertex) -> String {
    match vertex {
        Vertex::Bend => String::new(),
        Vertex::Shared(segment) => format!("═{}═", topology[segment].name),
        Vertex::Node(id) => {
            let node = &topology[id];
            match role(&node.role) {
                "router" => format!("({})", node.name),
                "nat" => format!("<{}>", node.name),
                "firewall" => format!("[{}]", node.name),
                _ => node.name.clone(),
            }
        }
    }
}

/// The segments, one a line.
fn table(topology: &Topology) -> Vec<String> {
    let heads = ["SEGMENT", "NODES", "METRIC", "IPV4", "IPV6", "CONDITIONS"].map(str::to_owned);
    let mut rows = vec![heads];
    for (id, segment) in topology.segments() {
        let nodes: Vec<_> = segment
            .nodes
            .iter()
            .map(|node| topology[*node].name.as_str())
            .collect();
        let nodes = match nodes.len() {
            0..=4 => nodes.join(" "),
            more => format!("{} and {} more", nodes[..3].join(" "), more - 3),
        };
        rows.push([
            segment.name.clone(),
            nodes,
            metrics(topology, id),
            segment.subnets.v4.to_string(),
            segment.subnets.v6.to_string(),
            conditions(segment),
        ]);
    }
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths);
        cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect::<String>()
    };
    rows.iter().map(line).collect()
}

/// One number where all are equal; else of each node that has another than 1.
fn metrics(topology: &Topology, id: SegmentId) -> String {
    let of = |node: &crate::topology::NodeId| topology.interface(*node, id).map_or(1, |on| on.metric.get());
    let segment = &topology[id];
    let all: Vec<u16> = segment.nodes.iter().map(of).collect();
    match all.first() {
        Some(first) if all.iter().all(|metric| metric == first) => first.to_string(),
        _ => {
            let named = segment.nodes.iter().zip(all).filter(|(_, metric)| *metric != 1);
            let named: Vec<_> = named
                .map(|(node, metric)| format!("{} {metric}", topology[*node].name))
                .collect();
            named.join(", ")
        }
    }
}

/// Characters in rows: lines, and labels over them.
struct Canvas {
    cells: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, Copy)]
enum Cell {
    Line(u8),
    Char(char),
}

impl Canvas {
    fn of(topology: &Topology, layout: &Layout) -> Self {
        let vertices = &layout.graph.vertices;
        let labels: Vec<String> = vertices.iter().map(|vertex| label(topology, *vertex)).collect();
        let rows = layout.lines();
        let tracks = Tracks::of(layout);
        let (mut starts, mut widths) = (Vec::new(), Vec::new());
        let mut x = 0;
        for column in 0..layout.column_count() {
            let labels = labels
                .iter()
                .zip(&layout.columns)
                .filter(|(_, of)| **of == column);
            let width = labels.map(|(label, _)| label.chars().count()).max().unwrap_or(0);
            starts.push(x);
            widths.push(width);
            // A blank, a line, the tracks, a line, a blank.
            x += width + 4 + tracks.count[column];
        }
        let height = rows.iter().max().map_or(0, |last| last + 1);
        let mut canvas = Self {
            cells: vec![vec![Cell::Line(0); x]; height],
        };
        for (edge, track) in layout.graph.edges.iter().zip(&tracks.of) {
            let [one, other] = edge.ends;
            let (left, right) = if layout.columns[one] <= layout.columns[other] {
                (one, other)
            } else {
                (other, one)
            };
            let Some(track) = track else {
                continue;
            };
            let column = layout.columns[left];
            let track = starts[column] + widths[column] + 2 + track;
            let left_end = starts[column] + labels[left].chars().count();
            let blank = usize::from(vertices[left] == Vertex::Bend);
            let from = if blank == 1 { starts[column] } else { left_end + 1 };
            canvas.across(rows[left], from, track);
            canvas.down(track, rows[left], rows[right]);
            let right_column = layout.columns[right];
            let until =
                starts[right_column].saturating_sub(if vertices[right] == Vertex::Bend { 0 } else { 2 });
            canvas.across(rows[right], track, until);
        }
        for (vertex, label) in labels.iter().enumerate() {
            let start = starts[layout.columns[vertex]];
            for (offset, char) in label.chars().enumerate() {
                canvas.cells[rows[vertex]][start + offset] = Cell::Char(char);
            }
        }
        canvas
    }

    fn across(&mut self, row: usize, from: usize, to: usize) {
        for x in from..=to.max(from) {
            self.mark(
                row,
                x,
                if x > from { LEFT } else { 0 } | if x < to { RIGHT } else { 0 },
            );
        }
    }

    fn down(&mut self, x: usize, one: usize, other: usize) {
        let (top, bottom) = (one.min(other), one.max(other));
        for row in top..=bottom {
            self.mark(
                row,
                x,
                if row > top { UP } else { 0 } | if row < bottom { DOWN } else { 0 },
            );
        }
    }

    fn mark(&mut self, row: usize, x: usize, ways: u8) {
        if let Some(Cell::Line(known)) = self.cells.get_mut(row).and_then(|row| row.get_mut(x)) {
            *known |= ways;
        }
    }

    fn lines(&self) -> Vec<String> {
        let char = |cell: &Cell| match *cell {
            Cell::Char(char) => char,
            Cell::Line(ways) => line(ways),
        };
        self.cells
            .iter()
            .map(|row| row.iter().map(char).collect())
            .collect()
    }
}

fn line(ways: u8) -> char {
    const CHARS: [char; 16] = [
        ' ', '─', '─', '─', '│', '┘', '└', '┴', '│', '┐', '┌', '┬', '│', '┤', '├', '┼',
    ];
    CHARS[usize::from(ways & 15)]
}

/// Which vertical stretch each line takes between its columns. Lines of one point share one, so that
/// who has many lines looks like a comb.
struct Tracks {
    /// The track of each line, from the left. None: both ends are in one column; the table has it.
    of: Vec<Option<usize>>,
    /// How many tracks follow each column.
    count: Vec<usize>,
}

impl Tracks {
    fn of(layout: &Layout) -> Self {
        let gap = |ends: [usize; 2]| {
            let [one, other] = ends.map(|end| layout.columns[end]);
            (one != other).then(|| one.min(other))
        };
        // How many lines each point has in each gap.
        let mut lines: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for edge in &layout.graph.edges {
            if let Some(gap) = gap(edge.ends) {
                for end in edge.ends {
                    *lines.entry((gap, end)).or_default() += 1;
                }
            }
        }
        let mut count = vec![0; layout.column_count()];
        let mut taken: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut of = Vec::new();
        for edge in &layout.graph.edges {
            let track = gap(edge.ends).map(|gap| {
                let [one, other] = edge.ends;
                let has = |end| lines.get(&(gap, end)).copied().unwrap_or(0);
                let hub = if has(other) > has(one) { other } else { one };
                *taken.entry((gap, hub)).or_insert_with(|| {
                    count[gap] += 1;
                    count[gap] - 1
                })
            });
            of.push(track);
        }
        Self { of, count }
    }
}
