//! What each host is to have, by its topology.

use std::net::IpAddr;

use wharf_topology::{Family, NodeId, Routes, Topology};

use super::NetworkSpec;
use super::message::{DevicePlan, HostPlan};
use crate::message::Names;

/// The devices, addresses and routes of a host.
pub(super) fn host(topology: &Topology, routes: &Routes, node: NodeId) -> HostPlan {
    let tables = Family::BOTH.map(|family| routes.table(node, family).with_default());
    let devices = topology[node].interfaces.iter().map(|on| {
        let subnets = topology[on.segment].subnets.both();
        let addresses = [0, 1].map(|family| (on.addresses[family], subnets[family].len()));
        // IPv6's own subnet too: the kernel makes that route, but not at once.
        let own = [(subnets[1].address(), subnets[1].len())];
        let remote = tables.iter().flat_map(|table| table.iter());
        let remote = remote.filter(|route| route.segment == on.segment && route.via.is_some());
        let remote = remote.map(|route| (route.prefix.address(), route.prefix.len()));
        DevicePlan {
            addresses,
            routes: own.into_iter().chain(remote).collect(),
        }
    });
    HostPlan {
        node: node.index(),
        devices: devices.collect(),
    }
}

/// Every node is known by its name, everywhere. One of several segments has the address first that is on
/// its first.
pub(super) fn names(spec: &NetworkSpec) -> Names {
    let of = |(id, node): (NodeId, &wharf_topology::Node)| {
        let name = node.name.clone();
        let addresses: Vec<IpAddr> = spec.topology.addresses(id).collect();
        addresses.into_iter().map(move |address| (address, name.clone()))
    };
    let machine = spec.machine.as_ref();
    Names {
        hosts: spec.topology.nodes().flat_map(of).collect(),
        local: Vec::new(),
        resolver: machine.and_then(|machine| spec.topology.addresses(machine.node).next()),
    }
}
