//! As SVG: a file of its own that follows the reader's choice of light or dark.

use std::fmt::{self, Write};

use super::graph::{Edge, Vertex};
use super::{Layout, conditions, role};
use crate::topology::{NodeId, Role, SegmentId, Topology};

/// Pixels.
const MARGIN: f64 = 28.0;
const ROW: f64 = 50.0;
const BOX: f64 = 38.0;
/// Between columns: room for a line to bend, beside what is written on it.
const BEND: f64 = 64.0;
/// A character of 13 and of 10 pixels, on average and rounded up.
const WIDE: f64 = 7.9;
const NARROW: f64 = 6.1;
/// The most characters on a line; the whole is in its tooltip.
const MOST: usize = 28;

/// Draws a topology as a standalone SVG. It has no script, and loads nothing.
#[must_use]
pub fn svg(topology: &Topology) -> String {
    let picture = Picture::of(topology);
    let mut svg = String::new();
    // A String takes all that is written to it.
    let _ = picture.write(&mut svg);
    svg
}

struct Picture<'a> {
    topology: &'a Topology,
    layout: Layout,
    columns: Vec<Column>,
    width: f64,
    height: f64,
}

/// Where a column stands.
#[derive(Debug, Clone, Copy, Default)]
struct Column {
    middle: f64,
    /// The half of its width.
    half: f64,
    /// How much room what is written on the lines to its right takes.
    written: f64,
}

impl Column {
    fn left(self) -> f64 {
        self.middle - self.half
    }

    fn right(self) -> f64 {
        self.middle + self.half
    }
}

impl<'a> Picture<'a> {
    fn of(topology: &'a Topology) -> Self {
        let layout = Layout::of(topology);
        let rows = layout.rows.iter().copied().fold(0.0, f64::max);
        let mut picture = Self {
            topology,
            columns: vec![Column::default(); layout.column_count()],
            layout,
            width: 0.0,
            height: rows * ROW + BOX + 2.0 * MARGIN,
        };
        picture.place();
        picture
    }

    /// Makes columns as wide as what stands in them, and the gaps between as wide as what is written there.
    fn place(&mut self) {
        for (vertex, &column) in self.layout.graph.vertices.iter().zip(&self.layout.columns) {
            let half = half_width(self.topology, *vertex);
            let column = &mut self.columns[column];
            column.half = column.half.max(half);
        }
        for edge in &self.layout.graph.edges {
            if self.written_at(edge).is_some() {
                let segment = &self.topology[edge.segment];
                let text = [short(&segment.name), short(&conditions(segment))];
                let width = text
                    .iter()
                    .map(|text| text.chars().count() as f64 * NARROW + 14.0);
                let [left, _] = self.ends(edge);
                let column = &mut self.columns[self.layout.columns[left]];
                column.written = width.fold(column.written, f64::max);
            }
        }
        let mut x = MARGIN;
        let mut after = 0.0;
        for column in &mut self.columns {
            column.middle = x + column.half;
            after = column.written + BEND;
            x += 2.0 * column.half + after;
        }
        // To the right of the last column only lines within it have anything written.
        let last = self.columns.last().map_or(0.0, |column| column.written);
        self.width = (x - after + last + MARGIN).max(2.0 * MARGIN);
    }

    /// The ends of a line, the left one first.
    fn ends(&self, edge: &Edge) -> [usize; 2] {
        let [one, other] = edge.ends;
        if self.layout.columns[one] <= self.layout.columns[other] {
            [one, other]
        } else {
            [other, one]
        }
    }

    fn column(&self, vertex: usize) -> Column {
        self.columns[self.layout.columns[vertex]]
    }

    /// The half of what stands at a point: the nodes of one column are equally wide.
    fn half(&self, vertex: usize) -> f64 {
        match self.layout.graph.vertices[vertex] {
            Vertex::Node(_) => self.column(vertex).half,
            shared => half_width(self.topology, shared),
        }
    }

    fn at(&self, vertex: usize) -> (f64, f64) {
        let y = MARGIN + BOX / 2.0 + self.layout.rows[vertex] * ROW;
        (self.column(vertex).middle, y)
    }

    fn write(&self, svg: &mut String) -> fmt::Result {
        writeln!(
            svg,
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" "#,
                r#"viewBox="0 0 {width:.0} {height:.0}" role="img">"#
            ),
            width = self.width,
            height = self.height,
        )?;
        let (nodes, segments) = (self.topology.nodes().len(), self.topology.segments().len());
        writeln!(
            svg,
            "<title>A network of {nodes} nodes and {segments} segments</title>"
        )?;
        svg.push_str(STYLE);
        writeln!(
            svg,
            r#"<rect class="paper" width="{:.0}" height="{:.0}"/>"#,
            self.width, self.height
        )?;
        for edge in &self.layout.graph.edges {
            self.line(svg, edge)?;
        }
        for (index, vertex) in self.layout.graph.vertices.iter().enumerate() {
            match vertex {
                Vertex::Node(id) => self.node(svg, self.at(index), *id)?,
                Vertex::Shared(id) => self.shared(svg, self.at(index), *id)?,
                Vertex::Bend => {}
            }
        }
        self.labels(svg)?;
        svg.push_str("</svg>\n");
        Ok(())
    }

    /// A line that leaves and comes level. Within one column: a bow to the right.
    fn line(&self, svg: &mut String, edge: &Edge) -> fmt::Result {
        let [left, right] = self.ends(edge);
        let ((x1, y1), (x2, y2)) = (self.at(left), self.at(right));
        let written = self.written_at(edge);
        let (from, to) = (x1 + self.half(left), x2 - self.half(right));
        if self.is_bow(edge) {
            let bow = self.column(left).right() + BEND * 0.7;
            let to = x2 + self.half(right);
            return writeln!(
                svg,
                r#"<path class="wire" d="M{from:.1} {y1:.1}C{bow:.1} {y1:.1} {bow:.1} {y2:.1} {to:.1} {y2:.1}"/>"#,
            );
        }
        // Level until the columns end, so that a line never runs through what stands beside its ends;
        // and where something is written.
        let room = self.column(left).written;
        let start = self.column(left).right() + if written == Some(Written::Left) { room } else { 0.0 };
        let end = self.column(right).left()
            - if written == Some(Written::Right) {
                room
            } else {
                0.0
            };
        let middle = (start + end) / 2.0;
        writeln!(
            svg,
            concat!(
                r#"<path class="wire" d="M{from:.1} {y1:.1}H{start:.1}"#,
                r#"C{middle:.1} {y1:.1} {middle:.1} {y2:.1} {end:.1} {y2:.1}H{to:.1}"/>"#
            ),
            from = from,
            y1 = y1,
            start = start,
            middle = middle,
            y2 = y2,
            end = end,
            to = to
        )
    }

    fn is_bow(&self, edge: &Edge) -> bool {
        let [one, other] = edge.ends;
        self.layout.columns[one] == self.layout.columns[other]
    }

    /// Where a line's segment is named: near the point with fewer lines on that side. Shared segments are
    /// named for themselves, and of a bent line the first piece alone has the name.
    fn written_at(&self, edge: &Edge) -> Option<Written> {
        let vertices = &self.layout.graph.vertices;
        let [left, right] = self.ends(edge);
        let is_shared = |vertex: usize| matches!(vertices[vertex], Vertex::Shared(_));
        if is_shared(left) || is_shared(right) || vertices[left] == Vertex::Bend {
            return None;
        }
        if self.is_bow(edge) {
            return Some(Written::Bow);
        }
        let gap = self.layout.columns[left];
        let lines = |end: usize| {
            let in_gap =
                |edge: &&Edge| edge.ends.contains(&end) && self.layout.columns[self.ends(edge)[0]] == gap;
            self.layout.graph.edges.iter().filter(in_gap).count()
        };
        let is_left = vertices[right] == Vertex::Bend || lines(left) <= lines(right);
        Some(if is_left { Written::Left } else { Written::Right })
    }

    fn labels(&self, svg: &mut String) -> fmt::Result {
        for edge in &self.layout.graph.edges {
            let Some(written) = self.written_at(edge) else {
                continue;
            };
            let [left, right] = self.ends(edge);
            let (y1, y2) = (self.at(left).1, self.at(right).1);
            let (x, y, anchor) = match written {
                Written::Left => (self.column(left).right() + 8.0, y1, "start"),
                Written::Right => (self.column(right).left() - 8.0, y2, "end"),
                Written::Bow => (self.column(left).right() + BEND * 0.6, (y1 + y2) / 2.0, "start"),
            };
            let segment = &self.topology[edge.segment];
            let what = conditions(segment);
            writeln!(
                svg,
                r#"<g><title>{}: {}</title>"#,
                escaped(&segment.name),
                escaped(&what)
            )?;
            let lines = [("segment", y - 5.0, &segment.name), ("what", y + 12.0, &what)];
            for (class, y, text) in lines.iter().filter(|(.., text)| !text.is_empty()) {
                let text = escaped(&short(text));
                writeln!(
                    svg,
                    r#"<text class="{class}" text-anchor="{anchor}" x="{x:.1}" y="{y:.1}">{text}</text>"#
                )?;
            }
            svg.push_str("</g>\n");
        }
        Ok(())
    }

    fn node(&self, svg: &mut String, (x, y): (f64, f64), id: NodeId) -> fmt::Result {
        let node = &self.topology[id];
        let half = self.column(id.index()).half;
        let (class, round) = match node.role {
            Role::Host => ("host", 6.0),
            Role::Router => ("router", BOX / 2.0),
            Role::Nat(_) => ("nat", 6.0),
            Role::Firewall(_) => ("firewall", 0.0),
        };
        let mut about = format!("{} {}", node.name, role(&node.role));
        for on in &node.interfaces {
            let [v4, v6] = on.addresses;
            let _ = write!(about, "\n{}: {v4}, {v6}", self.topology[on.segment].name);
        }
        writeln!(svg, "<g><title>{}</title>", escaped(about.trim()))?;
        writeln!(
            svg,
            r#"<rect class="{class}" x="{:.1}" y="{:.1}" width="{:.1}" height="{BOX}" rx="{round}"/>"#,
            x - half,
            y - BOX / 2.0,
            half * 2.0
        )?;
        let below = beneath(self.topology, id);
        writeln!(
            svg,
            r#"<text class="name" x="{x:.1}" y="{:.1}">{}</text>"#,
            y - 2.0,
            escaped(&node.name)
        )?;
        writeln!(
            svg,
            r#"<text class="what middle" x="{x:.1}" y="{:.1}">{}</text></g>"#,
            y + 12.0,
            escaped(&below)
        )
    }

    fn shared(&self, svg: &mut String, (x, y): (f64, f64), id: SegmentId) -> fmt::Result {
        let segment = &self.topology[id];
        let what = conditions(segment);
        let half = half_width(self.topology, Vertex::Shared(id));
        writeln!(
            svg,
            "<g><title>{}: {}</title>",
            escaped(&segment.name),
            escaped(&what)
        )?;
        writeln!(
            svg,
            r#"<rect class="bus" x="{:.1}" y="{:.1}" width="{:.1}" height="30" rx="3"/>"#,
            x - half,
            y - 15.0,
            half * 2.0
        )?;
        writeln!(
            svg,
            r#"<text class="segment middle" x="{x:.1}" y="{:.1}">{}</text>"#,
            y - 2.0,
            escaped(&short(&segment.name))
        )?;
        writeln!(
            svg,
            r#"<text class="what middle" x="{x:.1}" y="{:.1}">{}</text></g>"#,
            y + 10.0,
            escaped(&short(&what))
        )
    }
}

/// Where something is written on a line: at one of its ends, or beside a bow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Left,
    Right,
    Bow,
}

/// What stands below a node's name: what it is, and for one with a single address that.
fn beneath(topology: &Topology, id: NodeId) -> String {
    let node = &topology[id];
    match (&node.role, &node.interfaces[..]) {
        (Role::Host, [on]) => on.addresses[0].to_string(),
        (Role::Host, all) => format!("{} addresses", all.len()),
        (other, _) => role(other).to_owned(),
    }
}

fn half_width(topology: &Topology, vertex: Vertex) -> f64 {
    let wide = |name: &str| name.chars().count() as f64 * WIDE;
    let narrow = |text: &str| text.chars().count() as f64 * NARROW;
    match vertex {
        Vertex::Bend => 0.0,
        Vertex::Node(id) => {
            (wide(&topology[id].name).max(narrow(&beneath(topology, id))) / 2.0 + 12.0).max(36.0)
        }
        Vertex::Shared(id) => {
            let segment = &topology[id];
            let (name, what) = (short(&segment.name), short(&conditions(segment)));
            narrow(&name).max(narrow(&what)) / 2.0 + 10.0
        }
    }
}

/// As much as there is room for.
fn short(text: &str) -> String {
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

const STYLE: &str = "<style>
.paper { fill: #ffffff } .wire { fill: none; stroke: #9aa5b1; stroke-width: 1.5 }
.host { fill: #eef4fb; stroke: #2a6fb0 } .router { fill: #e9f5ee; stroke: #2c8a57 }
.nat { fill: #fdf3e3; stroke: #b7791f } .firewall { fill: #fbeaea; stroke: #b83a3a } .bus { fill: #f1f3f5; stroke: #9aa5b1 }
text { font: 10px system-ui, sans-serif; fill: #5b6772 } .middle, .name { text-anchor: middle }
.name { font-size: 13px; font-weight: 600; fill: #1b2229 } .segment { fill: #36424d; font-weight: 600 }
@media (prefers-color-scheme: dark) {
.paper { fill: #14181d } .wire { stroke: #55616d } .bus { fill: #20272e; stroke: #55616d }
.host { fill: #16263a; stroke: #6fb1ec } .router { fill: #15291f; stroke: #5fc48c }
.nat { fill: #30240f; stroke: #e0a94a } .firewall { fill: #331a1a; stroke: #e57373 }
text { fill: #9aa5b1 } .name { fill: #e8edf2 } .segment { fill: #c3ccd5 }
}
</style>
";

/// Text that cannot be anything else in SVG. Names and conditions have no other characters.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
