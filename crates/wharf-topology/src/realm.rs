//! Which segments share one space of IPv4 addresses (an address realm, RFC 2663, section 2.1): all
//! that are joined by anything but an address translator.

use crate::error::TopologyError;
use crate::spec::Kind;
use crate::topology::{Node, NodeId, Segment, SegmentId, Side};

/// The space that a realm's addresses are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Space {
    /// Behind nothing.
    Public,
    /// Behind a carrier's translator (RFC 6598).
    Carrier,
    /// Behind somebody's own (RFC 1918).
    Private,
}

/// The realm of each segment, by the first segment of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Realms {
    realm: Vec<usize>,
    space: Vec<Space>,
}

impl Realms {
    pub(crate) fn find(
        nodes: &[Node],
        segments: &[Segment],
        kind: &dyn Fn(NodeId) -> Kind,
        is_carrier_grade: &dyn Fn(NodeId) -> bool,
    ) -> Result<Self, TopologyError> {
        let is_nat = &|node| kind(node) == Kind::Nat;
        let mut realm: Vec<usize> = (0..segments.len()).collect();
        // Hosts join nothing: they pass nothing on.
        let joins = |(index, _): &(usize, &Node)| kind(NodeId(*index)) != Kind::Host;
        for (index, node) in nodes.iter().enumerate().filter(joins) {
            for side in [Side::Inside, Side::Outside] {
                // All that a router joins is one realm; of a translator each side is one.
                let joined = |on: &&crate::topology::Interface| !is_nat(NodeId(index)) || on.side == side;
                let mut joined = node.interfaces.iter().filter(joined).map(|on| on.segment.0);
                if let Some(first) = joined.next() {
                    for other in joined {
                        join(&mut realm, first, other);
                    }
                }
            }
        }
        let realm: Vec<usize> = (0..segments.len()).map(|index| root(&realm, index)).collect();
        let mut space = vec![Space::Public; segments.len()];
        for (index, node) in nodes
            .iter()
            .enumerate()
            .filter(|(index, _)| is_nat(NodeId(*index)))
        {
            let [inside, outside] = sides(node);
            if let (Some(inside), Some(outside)) = (inside, outside) {
                if realm[inside.0] == realm[outside.0] {
                    return Err(TopologyError::Around {
                        node: node.name.clone(),
                        inside: segments[inside.0].name.clone(),
                        outside: segments[outside.0].name.clone(),
                    });
                }
                let grade = if is_carrier_grade(NodeId(index)) {
                    Space::Carrier
                } else {
                    Space::Private
                };
                space[realm[inside.0]] = space[realm[inside.0]].max(grade);
            }
        }
        let realms = Self { realm, space };
        realms.check_circles(nodes, is_nat)?;
        Ok(realms)
    }

    /// Outwards from every translator: whoever comes back to where it began, is behind itself.
    fn check_circles(&self, nodes: &[Node], is_nat: &dyn Fn(NodeId) -> bool) -> Result<(), TopologyError> {
        let translators = || {
            nodes
                .iter()
                .enumerate()
                .filter(|(index, _)| is_nat(NodeId(*index)))
                .map(|(_, node)| node)
        };
        for start in translators() {
            let [Some(inside), Some(outside)] = sides(start) else {
                continue;
            };
            let mut reached = vec![self.realm[outside.0]];
            let mut next = 0;
            while let Some(&realm) = reached.get(next) {
                next += 1;
                for node in translators() {
                    if let [Some(inside), Some(outside)] = sides(node)
                        && self.realm[inside.0] == realm
                        && !reached.contains(&self.realm[outside.0])
                    {
                        reached.push(self.realm[outside.0]);
                    }
                }
            }
            if reached.contains(&self.realm[inside.0]) {
                return Err(TopologyError::Circle(start.name.clone()));
            }
        }
        Ok(())
    }

    pub(crate) fn space(&self, segment: SegmentId) -> Space {
        self.space[self.realm[segment.0]]
    }
}

/// A segment of each side of a node.
fn sides(node: &Node) -> [Option<SegmentId>; 2] {
    [Side::Inside, Side::Outside].map(|side| {
        let mut on = node.interfaces.iter().filter(|on| on.side == side);
        on.next().map(|on| on.segment)
    })
}

fn root(realm: &[usize], mut index: usize) -> usize {
    // Each points at itself or at one before it.
    while realm[index] != index {
        index = realm[index];
    }
    index
}

fn join(realm: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(realm, one), root(realm, other));
    realm[one.max(other)] = one.min(other);
}
