//! A network that makes sense.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU16;

use wharf_link::{Profile, Settings};

use crate::address::{self, Subnets};
use crate::error::TopologyError;
use crate::firewall::{Firewall, Policy};
use crate::nat::{Behaviour, Nat, NatSpec};
use crate::realm::Realms;
use crate::spec::{Kind, NodeSpec, SegmentSpec, Spec};

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
    /// Checks a specification and gives addresses out.
    ///
    /// # Errors
    /// It makes no network: the error names the node or segment at fault.
    pub fn build(spec: &Spec) -> Result<Self, TopologyError> {
        let ids = node_ids(spec)?;
        let mut segments = Vec::new();
        for (name, written) in &spec.segment {
            segments.push(segment(name, written, &ids)?);
        }
        let mut nodes = Vec::new();
        for (name, written) in &spec.node {
            let interfaces = interfaces(name, written, spec, &segments)?;
            nodes.push(Node {
                name: name.clone(),
                role: Role::Host,
                interfaces,
            });
        }
        let written = |node: NodeId| spec.node.get(&nodes[node.0].name);
        let realms = Realms::find(
            &nodes,
            &segments,
            &|node| written(node).map_or(Kind::Host, |node| node.kind),
            &|node| {
                written(node)
                    .and_then(|node| node.nat.as_ref())
                    .is_some_and(NatSpec::is_carrier_grade)
            },
        )?;
        let mut topology = Self {
            nodes,
            segments,
            realms,
        };
        address::give_out(&mut topology)?;
        for (name, written) in &spec.node {
            let role = role(name, written, &topology)?;
            if let Some(id) = topology.node(name) {
                topology.nodes[id.0].role = role;
            }
        }
        Ok(topology)
    }

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

fn node_ids(spec: &Spec) -> Result<BTreeMap<&str, NodeId>, TopologyError> {
    for (what, names) in [
        ("node", spec.node.keys().collect::<Vec<_>>()),
        ("segment", spec.segment.keys().collect()),
    ] {
        if let Some(name) = names.into_iter().find(|name| !is_label(name)) {
            let name = name.clone();
            return Err(TopologyError::Name { what, name });
        }
    }
    let names = spec.node.keys().enumerate();
    Ok(names
        .map(|(index, name)| (name.as_str(), NodeId(index)))
        .collect())
}

/// Whether it can stand in a host's name (RFC 1123, section 2.1).
fn is_label(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(is_inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn segment(
    name: &str,
    written: &SegmentSpec,
    ids: &BTreeMap<&str, NodeId>,
) -> Result<Segment, TopologyError> {
    let segment = name.to_owned();
    let mut nodes = Vec::new();
    for node in &written.nodes {
        let Some(&id) = ids.get(node.as_str()) else {
            let node = node.clone();
            return Err(TopologyError::UnknownNode { segment, node });
        };
        if nodes.contains(&id) {
            let node = node.clone();
            return Err(TopologyError::Twice { segment, node });
        }
        nodes.push(id);
    }
    if nodes.len() < 2 {
        return Err(TopologyError::Lonely(segment));
    }
    if let crate::spec::Metric::ByNode(metrics) = &written.metric
        && let Some(node) = metrics.keys().find(|node| !written.nodes.contains(node))
    {
        let node = node.clone();
        return Err(TopologyError::StrayMetric { segment, node });
    }
    let [up, down] = match &written.profile {
        None => Default::default(),
        Some(profile) => match Profile::named(profile) {
            Some(profile) => [profile.up.settings(), profile.down.settings()],
            None => {
                let profile = profile.clone();
                return Err(TopologyError::Profile { segment, profile });
            }
        },
    };
    let over = |own: &Settings, base: &Settings| own.clone().over(&written.both).over(base);
    Ok(Segment {
        name: segment,
        nodes,
        subnets: Subnets::NONE,
        settings: [over(&written.up, &up), over(&written.down, &down)],
        profile: written.profile.clone(),
    })
}

fn interfaces(
    name: &str,
    written: &NodeSpec,
    spec: &Spec,
    segments: &[Segment],
) -> Result<Vec<Interface>, TopologyError> {
    let mut interfaces = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let Some(on) = spec.segment.get(&segment.name) else {
            continue;
        };
        let Some(place) = on.nodes.iter().position(|node| node == name) else {
            continue;
        };
        let is_inside = written.inside.contains(&segment.name);
        interfaces.push(Interface {
            segment: SegmentId(index),
            place,
            addresses: Subnets::NONE.addresses(place),
            metric: on.metric.of(name),
            side: if is_inside { Side::Inside } else { Side::Outside },
        });
    }
    if interfaces.is_empty() {
        return Err(TopologyError::Unjoined(name.to_owned()));
    }
    let joined: BTreeSet<_> = interfaces
        .iter()
        .map(|on| segments[on.segment.0].name.as_str())
        .collect();
    if let Some(segment) = written
        .inside
        .iter()
        .find(|inside| !joined.contains(inside.as_str()))
    {
        return Err(TopologyError::Inside {
            node: name.to_owned(),
            segment: segment.clone(),
        });
    }
    let is_sided = matches!(written.kind, Kind::Nat | Kind::Firewall);
    let named = interfaces.iter().filter(|on| on.side == Side::Inside).count();
    if is_sided && (named == 0 || named == interfaces.len()) {
        return Err(TopologyError::Sides {
            node: name.to_owned(),
            kind: written.kind,
            named,
            all: interfaces.len(),
        });
    }
    Ok(interfaces)
}

fn role(name: &str, written: &NodeSpec, topology: &Topology) -> Result<Role, TopologyError> {
    let is_sided = matches!(written.kind, Kind::Nat | Kind::Firewall);
    let is_firewall = written.kind == Kind::Firewall;
    let stray = [
        (
            !written.inside.is_empty() && !is_sided,
            "inside",
            "translators and firewalls",
        ),
        (
            written.nat.is_some() && written.kind != Kind::Nat,
            "nat",
            "translators",
        ),
        (written.default.is_some() && !is_firewall, "default", "firewalls"),
        (!written.rules.is_empty() && !is_firewall, "rules", "firewalls"),
    ];
    if let Some((_, key, of)) = stray.into_iter().find(|(is_stray, ..)| *is_stray) {
        return Err(TopologyError::Key {
            node: name.to_owned(),
            kind: written.kind,
            key,
            of,
        });
    }
    Ok(match written.kind {
        Kind::Host => Role::Host,
        Kind::Router => Role::Router,
        Kind::Nat => Role::Nat(
            written
                .nat
                .as_ref()
                .map_or(Behaviour::PORT_RESTRICTED, |nat| nat.behaviour()),
        ),
        Kind::Firewall => {
            let policy = Policy::read(written.default, &written.rules, topology);
            Role::Firewall(policy.map_err(|(number, problem)| TopologyError::Rule {
                node: name.to_owned(),
                number,
                problem,
            })?)
        }
    })
}
