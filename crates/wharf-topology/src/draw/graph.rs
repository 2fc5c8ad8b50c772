//! What is drawn: points and the lines between them.

use std::collections::BTreeSet;

use crate::topology::{NodeId, SegmentId, Topology};

/// A point of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vertex {
    /// A node.
    Node(NodeId),
    /// A segment that more than two nodes share.
    Shared(SegmentId),
    /// Where a line passes a column.
    Bend,
}

/// A line between two points: of two ends the one that is nearer to users, as the segment's list has it, is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) ends: [usize; 2],
    pub(super) segment: SegmentId,
}

#[derive(Debug, Clone)]
pub(super) struct Graph {
    pub(super) vertices: Vec<Vertex>,
    pub(super) edges: Vec<Edge>,
}

impl Graph {
    pub(super) fn of(topology: &Topology) -> Self {
        let mut vertices: Vec<_> = topology.nodes().map(|(id, _)| Vertex::Node(id)).collect();
        let mut edges = Vec::new();
        for (id, segment) in topology.segments() {
            if let [one, other] = segment.nodes[..] {
                let ends = [one.index(), other.index()];
                edges.push(Edge { ends, segment: id });
                continue;
            }
            let shared = vertices.len();
            vertices.push(Vertex::Shared(id));
            let joined = segment.nodes.iter().map(|node| Edge {
                ends: match segment.nodes.last() {
                    Some(last) if last == node => [shared, node.index()],
                    _ => [node.index(), shared],
                },
                segment: id,
            });
            edges.extend(joined);
        }
        Self { vertices, edges }
    }

    /// The points beside each, each once, in order.
    pub(super) fn neighbours(&self) -> Vec<Vec<usize>> {
        let mut beside = vec![BTreeSet::new(); self.vertices.len()];
        for Edge {
            ends: [one, other], ..
        } in &self.edges
        {
            beside[*one].insert(*other);
            beside[*other].insert(*one);
        }
        beside
            .into_iter()
            .map(|beside| beside.into_iter().collect())
            .collect()
    }

    /// Has every line that passes columns bend in each, so that it goes around what stands there.
    pub(super) fn bend(&mut self, columns: &mut Vec<usize>) {
        let mut edges = Vec::new();
        for Edge { ends, segment } in std::mem::take(&mut self.edges) {
            let [mut left, right] = if columns[ends[0]] <= columns[ends[1]] {
                ends
            } else {
                [ends[1], ends[0]]
            };
            for column in columns[left] + 1..columns[right] {
                let bend = self.vertices.len();
                self.vertices.push(Vertex::Bend);
                columns.push(column);
                edges.push(Edge {
                    ends: [left, bend],
                    segment,
                });
                left = bend;
            }
            edges.push(Edge {
                ends: [left, right],
                segment,
            });
        }
        self.edges = edges;
    }
}
