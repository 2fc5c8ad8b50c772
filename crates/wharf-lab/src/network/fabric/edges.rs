//! Which link a packet belongs to.

use std::collections::HashMap;

use wharf_topology::{Direction, NodeId};

use crate::network::NetworkLink;

/// The links, by their two ends.
#[derive(Debug)]
pub(super) struct Edges {
    names: Vec<String>,
    /// By the sender and the receiver of a packet.
    between: HashMap<(NodeId, NodeId), Vec<Edge>>,
}

#[derive(Debug)]
struct Edge {
    link: usize,
    direction: Direction,
    /// The provider's ports; none: all.
    ports: Vec<u16>,
}

impl Edges {
    pub(super) fn new(links: &[NetworkLink]) -> Self {
        let mut between: HashMap<_, Vec<Edge>> = HashMap::new();
        for (index, link) in links.iter().enumerate() {
            for (ends, direction) in [
                ((link.consumer, link.provider), Direction::Up),
                ((link.provider, link.consumer), Direction::Down),
            ] {
                between.entry(ends).or_default().push(Edge {
                    link: index,
                    direction,
                    ports: link.ports.clone(),
                });
            }
        }
        Self {
            names: links.iter().map(|link| link.name.clone()).collect(),
            between,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The link of a packet with these ports, source and destination, and its direction. What has no ports,
    /// as a ping, goes over the first link between the two.
    pub(super) fn find(
        &self,
        from: NodeId,
        to: NodeId,
        ports: Option<[u16; 2]>,
    ) -> Option<(usize, Direction)> {
        let edges = self.between.get(&(from, to))?;
        let is_of = |edge: &&Edge| {
            let Some([source, destination]) = ports else {
                return true;
            };
            let provider = match edge.direction {
                Direction::Up => destination,
                Direction::Down => source,
            };
            edge.ports.is_empty() || edge.ports.contains(&provider)
        };
        let edge = edges.iter().find(is_of)?;
        Some((edge.link, edge.direction))
    }
}
