//! A topology as a program reads it.

use std::net::IpAddr;

use serde::Serialize;
use wharf_link::Settings;
use wharf_topology::{Interface, Kind, Role, Side, Topology};

use super::find::Found;

/// A whole topology: what was written, and the addresses that follow from it.
#[derive(Serialize)]
pub(super) struct Shape<'a> {
    name: &'a str,
    nodes: Vec<NodeShape<'a>>,
    segments: Vec<SegmentShape<'a>>,
}

#[derive(Serialize)]
struct NodeShape<'a> {
    name: &'a str,
    kind: Kind,
    interfaces: Vec<InterfaceShape<'a>>,
}

#[derive(Serialize)]
struct InterfaceShape<'a> {
    segment: &'a str,
    ipv4: IpAddr,
    ipv6: IpAddr,
    metric: u16,
    /// Of translators and firewalls alone: others have no sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<&'static str>,
}

#[derive(Serialize)]
struct SegmentShape<'a> {
    name: &'a str,
    nodes: Vec<&'a str>,
    ipv4: String,
    ipv6: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    up: &'a Settings,
    down: &'a Settings,
}

impl<'a> Shape<'a> {
    pub(super) fn of(found: &'a Found) -> Self {
        let topology = &found.topology;
        let nodes = topology.nodes().map(|(_, node)| NodeShape {
            name: &node.name,
            kind: node.role.kind(),
            interfaces: node
                .interfaces
                .iter()
                .map(|on| interface(topology, &node.role, on))
                .collect(),
        });
        let segments = topology.segments().map(|(_, segment)| SegmentShape {
            name: &segment.name,
            nodes: segment
                .nodes
                .iter()
                .map(|node| topology[*node].name.as_str())
                .collect(),
            ipv4: segment.subnets.v4.to_string(),
            ipv6: segment.subnets.v6.to_string(),
            profile: segment.profile.as_deref(),
            up: &segment.settings[0],
            down: &segment.settings[1],
        });
        Self {
            name: &found.name,
            nodes: nodes.collect(),
            segments: segments.collect(),
        }
    }
}

fn interface<'a>(topology: &'a Topology, role: &Role, on: &Interface) -> InterfaceShape<'a> {
    let [ipv4, ipv6] = on.addresses;
    let side = match on.side {
        Side::Inside => "inside",
        Side::Outside => "outside",
    };
    InterfaceShape {
        segment: &topology[on.segment].name,
        ipv4,
        ipv6,
        metric: on.metric.get(),
        side: matches!(role, Role::Nat(_) | Role::Firewall(_)).then_some(side),
    }
}
