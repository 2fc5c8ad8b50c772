//! What falls apart when segments are cut.

use std::collections::BTreeSet;

use crate::topology::{NodeId, Role, SegmentId, Topology};

/// Nodes that reach each other, translators and firewalls aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Island {
    /// Its nodes. A host that stands in several segments may be of several islands, since it passes
    /// nothing on.
    pub nodes: BTreeSet<NodeId>,
    /// Its segments. None: a node that is cut off from everything.
    pub segments: BTreeSet<SegmentId>,
}

impl Topology {
    /// The islands that are left when these segments are cut, in the order of their first nodes. One
    /// of them: nothing falls apart.
    #[must_use]
    pub fn islands(&self, cut: &[SegmentId]) -> Vec<Island> {
        let mut islands = Vec::new();
        let mut seen: BTreeSet<SegmentId> = cut.iter().copied().collect();
        for (id, _) in self.segments() {
            if seen.contains(&id) {
                continue;
            }
            let mut island = Island {
                nodes: BTreeSet::new(),
                segments: BTreeSet::new(),
            };
            let mut next = vec![id];
            while let Some(segment) = next.pop() {
                if !seen.insert(segment) {
                    continue;
                }
                island.segments.insert(segment);
                for node in &self[segment].nodes {
                    island.nodes.insert(*node);
                    if self[*node].role != Role::Host {
                        next.extend(self[*node].interfaces.iter().map(|on| on.segment));
                    }
                }
            }
            islands.push(island);
        }
        let joined: BTreeSet<NodeId> = islands.iter().flat_map(|island| &island.nodes).copied().collect();
        let alone = self.nodes().map(|(id, _)| id).filter(|id| !joined.contains(id));
        islands.extend(alone.map(|id| Island {
            nodes: BTreeSet::from([id]),
            segments: BTreeSet::new(),
        }));
        islands.sort_by_key(|island| island.nodes.first().copied());
        islands
    }
}
