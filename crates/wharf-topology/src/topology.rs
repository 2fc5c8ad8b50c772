//! A network that makes sense.

use std::net::IpAddr;
use std::num::NonZeroU16;

use wharf_link::Settings;

use crate::address::Subnets;
use crate::firewall::{Firewall, Policy};
use crate::nat::{Behaviour, Nat};
use crate::realm::Realms;
use crate::spec::Kind;

/// A node, by its place among the names in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);

/// A segment, by its place among the names in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub(crate) usize);

impl NodeId {
    /// Its place among the names in order, from zero.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl SegmentId {
    /// Its place among the names in order, from zero.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// Which way something passes a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To a node further back in the segment's list.
    Up,
    /// To a node further to the front.
    Down,
}

/// What a node does with packets for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    Host,
    /// It passes them on.
    Router,
    /// It passes them on, and translates IPv4.
    Nat(Behaviour),
    /// It passes on what is allowed.
    Firewall(Policy),
}

impl Role {
    /// What it is, without how it does it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Host => Kind::Host,
            Self::Router => Kind::Router,
            Self::Nat(_) => Kind::Nat,
            Self::Firewall(_) => Kind::Firewall,
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Where it is joined to segments, in the order of their names.
    pub interfaces: Vec<Interface>,
}

/// Where a node is joined to a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// The segment.
    pub segment: SegmentId,
    /// Its place in the segment's list.
    pub place: usize,
    /// Its addresses, IPv4 first.
    pub addresses: [IpAddr; 2],
    /// What it costs to send into the segment.
    pub metric: NonZeroU16,
    /// Whether a translator or firewall has it inside.
    pub side: Side,
}

/// A side of a translator or firewall. Of other nodes all is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Whose addresses are translated, or who is protected.
    Inside,
    /// The world.
    Outside,
}

/// A stretch of network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// The nodes on it, in the order of the specification.
    pub nodes: Vec<NodeId>,
    /// Its blocks of addresses.
    pub subnets: Subnets,
    /// What it does to packets, up and down.
    pub settings: [Settings; 2],
    /// The profile that the settings begin with.
    pub profile: Option<String>,
}

impl Segment {
    /// What it does to packets of one direction.
    #[must_use]
    pub fn settings(&self, direction: Direction) -> &Settings {
        match direction {
            Direction::Up => &self.settings[0],
            Direction::Down => &self.settings[1],
        }
    }
}

/// A network that makes sense: every name is there, every address is given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    pub(crate) nodes: Vec<Node>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) realms: Realms,
}

impl Topology {
    /// The nodes, in the order of their names.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (NodeId(index), node))
    }

    /// The segments, in the order of their names.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = (SegmentId, &Segment)> {
        let segments = self.segments.iter().enumerate();
        segments.map(|(index, segment)| (SegmentId(index), segment))
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeId> {
        let found = self.nodes.binary_search_by(|node| node.name.as_str().cmp(name));
        found.ok().map(NodeId)
    }

    /// The segment of that name.
    #[must_use]
    pub fn segment(&self, name: &str) -> Option<SegmentId> {
        let found = self
            .segments
            .binary_search_by(|segment| segment.name.as_str().cmp(name));
        found.ok().map(SegmentId)
    }

    /// A node by its address, and its interface.
    #[must_use]
    pub fn node_at(&self, address: IpAddr) -> Option<(NodeId, &Interface)> {
        self.nodes().find_map(|(id, node)| {
            let mut interfaces = node.interfaces.iter();
            let interface = interfaces.find(|interface| interface.addresses.contains(&address))?;
            Some((id, interface))
        })
    }

    /// The addresses of a node, on each of its segments in the order of their names, IPv4 before IPv6.
    pub fn addresses(&self, node: NodeId) -> impl Iterator<Item = IpAddr> {
        let interfaces = self[node].interfaces.iter();
        interfaces.flat_map(|interface| interface.addresses)
    }

    /// The translators at work in a node: one for each segment outside, with the node's address there.
    /// What is routed into a segment is translated by that segment's; what comes from outside, by that of
    /// the address that it is for. Other nodes have none.
    #[must_use]
    pub fn nats(&self, node: NodeId) -> Vec<(SegmentId, Nat)> {
        let Role::Nat(behaviour) = self[node].role else {
            return Vec::new();
        };
        let outside = self[node].interfaces.iter().filter(|on| on.side == Side::Outside);
        let nat = |on: &Interface| match on.addresses[0] {
            IpAddr::V4(address) => Some((on.segment, Nat::new(behaviour, vec![address]))),
            IpAddr::V6(_) => None,
        };
        outside.filter_map(nat).collect()
    }

    /// The firewall at work in a node. Other nodes have none.
    #[must_use]
    pub fn firewall(&self, node: NodeId) -> Option<Firewall> {
        match &self[node].role {
            Role::Firewall(policy) => Some(Firewall::new(policy.clone())),
            _ => None,
        }
    }

    /// The interface of a node on a segment.
    #[must_use]
    pub fn interface(&self, node: NodeId, segment: SegmentId) -> Option<&Interface> {
        let mut interfaces = self[node].interfaces.iter();
        interfaces.find(|interface| interface.segment == segment)
    }

    /// Which way a packet passes a segment from one of its nodes to another.
    #[must_use]
    pub fn direction(&self, segment: SegmentId, from: NodeId, to: NodeId) -> Option<Direction> {
        let from = self.interface(from, segment)?.place;
        let to = self.interface(to, segment)?.place;
        Some(if from < to { Direction::Up } else { Direction::Down })
    }
}

impl std::ops::Index<NodeId> for Topology {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

impl std::ops::Index<SegmentId> for Topology {
    type Output = Segment;

    fn index(&self, id: SegmentId) -> &Segment {
        &self.segments[id.0]
    }
}
