//! From a specification to a network: what is written is checked, name by name.

use std::collections::{BTreeMap, BTreeSet};

use wharf_link::{Profile, Settings};

use crate::address::{self, Subnets};
use crate::error::TopologyError;
use crate::firewall::Policy;
use crate::nat::{Behaviour, NatSpec};
use crate::realm::Realms;
use crate::spec::{Kind, Metric, NodeSpec, SegmentSpec, Spec};
use crate::topology::{Interface, Node, NodeId, Role, Segment, SegmentId, Side, Topology};

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
    if let Metric::ByNode(metrics) = &written.metric
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
