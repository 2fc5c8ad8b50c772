//! A host of a network: a namespace of its own, with a device, an address and routes on each of its segments.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use super::Trouble;
use super::ends::{MTU, failed, neither, settings};
use crate::kernel::rtnetlink::{Index, Neighbours, Netlink, To};
use crate::kernel::tun::Tun;
use crate::kernel::{namespaces, sysctl, wire};
use crate::message::{Carrier, DEVICE_ADDRESS};
use crate::network::message::{DevicePlan, HostPlan};

/// A host that was made.
pub(super) struct Made {
    pub(super) network: OwnedFd,
    pub(super) carrier: Carrier,
    pub(super) ipv6: bool,
    /// Where the packets of its devices come and go, in their order.
    pub(super) packets: Vec<OwnedFd>,
}

/// The network in which the other ends of wires are, once there has to be one.
#[derive(Default)]
pub(super) struct Wires {
    network: Option<OwnedFd>,
    count: usize,
}

/// Makes a host. This thread is in its network afterwards.
pub(super) fn make(
    plan: &HostPlan,
    tun: &Path,
    congestion: Option<&str>,
    wires: &mut Wires,
) -> Result<Made, Trouble> {
    let network = namespaces::new_network()?;
    settings(congestion)?;
    // A host of several segments may be asked over one and answer over another.
    for conf in ["all", "default"] {
        sysctl::try_set(&format!("ipv4/conf/{conf}/rp_filter"), "0");
    }
    let mut made = Made {
        network,
        carrier: Carrier::Tun,
        ipv6: true,
        packets: Vec::new(),
    };
    let mut no_tun = None;
    if wires.network.is_none() {
        for number in 0..plan.devices.len() {
            match Tun::create(tun, &name(number)) {
                Ok(device) => made.packets.push(device.fd),
                Err(error) => {
                    no_tun = Some(error);
                    break;
                }
            }
        }
    }
    if made.packets.len() < plan.devices.len() {
        made.carrier = Carrier::Veth;
        made.packets = wired(plan, &made.network, tun, no_tun, wires)?;
        namespaces::enter_network(&made.network)?;
    }
    let mut netlink = Netlink::open().map_err(failed("open rtnetlink"))?;
    netlink
        .bring_up(Index::LOOPBACK, None, Neighbours::Asked)
        .map_err(failed("bring lo up"))?;
    for (number, device) in plan.devices.iter().enumerate() {
        made.ipv6 &= set_up(&mut netlink, &name(number), device)?;
    }
    Ok(made)
}

fn name(number: usize) -> String {
    format!("wharf{number}")
}

/// The same with wires, for want of TUN.
fn wired(
    plan: &HostPlan,
    host: &OwnedFd,
    tun: &Path,
    no_tun: Option<io::Error>,
    wires: &mut Wires,
) -> Result<Vec<OwnedFd>, Trouble> {
    match &wires.network {
        Some(network) => namespaces::enter_network(network)?,
        None => {
            wires.network = Some(namespaces::new_network()?);
            // Nobody here speaks IP: what comes is the switch's.
            sysctl::try_set("ipv6/conf/all/disable_ipv6", "1");
            sysctl::try_set("ipv6/conf/default/disable_ipv6", "1");
        }
    }
    let no_tun = no_tun.unwrap_or_else(|| io::ErrorKind::PermissionDenied.into());
    let mut netlink = Netlink::open().map_err(failed("open rtnetlink"))?;
    let mut packets = Vec::new();
    for number in 0..plan.devices.len() {
        wires.count += 1;
        let here = format!("wire{}", wires.count);
        netlink
            .add_veth(&here, &name(number), host.as_fd(), DEVICE_ADDRESS)
            .map_err(|error| neither(tun, &no_tun, &error))?;
        let device = netlink.index(&here).map_err(failed("find a veth device"))?;
        netlink
            .bring_up(device, Some(MTU), Neighbours::One)
            .map_err(failed("bring a veth device up"))?;
        packets.push(wire::open(device).map_err(failed("open a packet socket"))?);
    }
    Ok(packets)
}

/// Brings a device up, with addresses and routes. Whether there is IPv6.
fn set_up(netlink: &mut Netlink, name: &str, plan: &DevicePlan) -> Result<bool, Trouble> {
    let device = netlink.index(name).map_err(failed("find a device"))?;
    netlink
        .bring_up(device, Some(MTU), Neighbours::One)
        .map_err(failed("bring a device up"))?;
    let mut ipv6 = true;
    for (address, prefix) in plan.addresses {
        let added = netlink.add_address_of(device, address, prefix);
        match address {
            IpAddr::V4(_) => added.map_err(failed("add an IPv4 address"))?,
            // A kernel without IPv6, or with it switched off.
            IpAddr::V6(_) => ipv6 = added.is_ok(),
        }
    }
    for &(to, prefix) in &plan.routes {
        let to = match (to, prefix) {
            (IpAddr::V4(_), 0) => To::AnyV4,
            (IpAddr::V6(_), 0) => To::AnyV6,
            _ => To::Prefix(to, prefix),
        };
        match netlink.add_route(device, to) {
            // The kernel has made it by itself.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) if !ipv6 => {}
            added => added.map_err(failed("add a route"))?,
        }
    }
    Ok(ipv6)
}
