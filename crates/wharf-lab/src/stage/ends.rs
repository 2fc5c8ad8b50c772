//! The two ends of the link: a network namespace each, with a device, addresses and routes.
//!
//! Packets come and go by a TUN device where there is one to be had. Where its node is closed to the user,
//! each end is a veth device instead, and a third network has the other ends of both wires:
//!
//! ```text
//! near network        the wires' network         far network
//!  wharf0 ────────── near [packet socket]
//!                         [packet socket] far ──────── wharf0
//! ```

use std::fmt::Display;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use super::Trouble;
use crate::kernel::rtnetlink::{Index, Neighbours, Netlink, To};
use crate::kernel::tun::Tun;
use crate::kernel::{namespaces, sysctl, wire};
use crate::message::{Begin, Carrier, DEVICE_ADDRESS, FAR_V4, FAR_V6, NEAR_V4, NEAR_V6};

/// What the devices are called on both sides.
const DEVICE: &str = "wharf0";
/// As on Ethernet.
pub(crate) const MTU: u32 = 1500;

/// Both ends.
pub(super) struct Ends {
    pub(super) carrier: Carrier,
    pub(super) ipv6: bool,
    pub(super) near: End,
    pub(super) far: End,
}

/// An end of the link.
pub(super) struct End {
    /// Its network namespace.
    pub(super) network: OwnedFd,
    /// Where packets come and go.
    pub(super) packets: OwnedFd,
}

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Near,
    Far,
}

/// Makes both ends. This process is in some network of theirs afterwards.
pub(super) fn make(begin: &Begin) -> Result<Ends, Trouble> {
    let near_network = Side::Near.network(begin)?;
    let near = match Tun::create(&begin.tun, DEVICE) {
        Ok(near) => near,
        Err(error) => return wired(begin, near_network, &error),
    };
    let ipv6 = Side::Near.address()?;
    let far_network = Side::Far.network(begin)?;
    let far = Tun::create(&begin.tun, DEVICE)
        .map_err(|error| Trouble::of(format!("make a TUN device: {error}")))?;
    let ipv6 = ipv6 & Side::Far.address()?;
    Ok(Ends {
        carrier: Carrier::Tun,
        ipv6,
        near: End {
            network: near_network,
            packets: near.fd,
        },
        far: End {
            network: far_network,
            packets: far.fd,
        },
    })
}

/// The same with wires, for want of TUN.
fn wired(begin: &Begin, near: OwnedFd, no_tun: &io::Error) -> Result<Ends, Trouble> {
    let far = Side::Far.network(begin)?;
    let _wires = namespaces::new_network()?;
    // Nobody here speaks IP: what comes is the switch's.
    sysctl::try_set("ipv6/conf/all/disable_ipv6", "1");
    sysctl::try_set("ipv6/conf/default/disable_ipv6", "1");
    let mut netlink = Netlink::open().map_err(failed("open rtnetlink"))?;
    let mut wire = |name: &str, network: &OwnedFd| {
        netlink
            .add_veth(name, DEVICE, network.as_fd(), DEVICE_ADDRESS)
            .map_err(|error| neither(&begin.tun, no_tun, &error))?;
        let device = netlink.index(name).map_err(failed("find a veth device"))?;
        netlink
            .bring_up(device, Some(MTU), Neighbours::One)
            .map_err(failed("bring a veth device up"))?;
        wire::open(device).map_err(failed("open a packet socket"))
    };
    let (near_packets, far_packets) = (wire("near", &near)?, wire("far", &far)?);
    namespaces::enter_network(&near)?;
    let ipv6 = Side::Near.address()?;
    namespaces::enter_network(&far)?;
    let ipv6 = ipv6 & Side::Far.address()?;
    Ok(Ends {
        carrier: Carrier::Veth,
        ipv6,
        near: End {
            network: near,
            packets: near_packets,
        },
        far: End {
            network: far,
            packets: far_packets,
        },
    })
}

/// Neither TUN nor veth goes: what would have to be done for the first.
pub(crate) fn neither(node: &Path, no_tun: &io::Error, no_veth: &io::Error) -> Trouble {
    let node = node.display();
    let error = format!("make a device: by {node}: {no_tun}; by veth: {no_veth}");
    match no_tun.kind() {
        io::ErrorKind::PermissionDenied => {
            Trouble::with(error, format!("sudo chmod 0666 {node}, or run it as root"))
        }
        io::ErrorKind::NotFound => Trouble::with(error, "sudo modprobe tun, or sudo modprobe veth"),
        _ => Trouble::of(error),
    }
}

impl Side {
    fn addresses(self) -> (IpAddr, IpAddr) {
        match self {
            Self::Near => (NEAR_V4.into(), NEAR_V6.into()),
            Self::Far => (FAR_V4.into(), FAR_V6.into()),
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Near => Self::Far,
            Self::Far => Self::Near,
        }
    }

    /// A new network, entered and set up but for its device.
    fn network(self, begin: &Begin) -> Result<OwnedFd, Trouble> {
        let network = namespaces::new_network()?;
        settings(begin.congestion.as_deref())?;
        if self == Self::Far {
            // A router that has no way says so at once (ICMP), instead of keeping silent. As a router on a
            // device of IPv6 it would have to report groups there, so it is none on those that come.
            sysctl::try_set("ipv4/ip_forward", "1");
            sysctl::try_set("ipv6/conf/all/forwarding", "1");
            sysctl::try_set("ipv6/conf/default/forwarding", "0");
        }
        let mut netlink = Netlink::open().map_err(failed("open rtnetlink"))?;
        netlink
            .bring_up(Index::LOOPBACK, None, Neighbours::Asked)
            .map_err(failed("bring lo up"))?;
        Ok(network)
    }

    /// Brings the device of the network up that this process is in, with addresses and routes. Whether
    /// there is IPv6: a kernel without it, or one that has it switched off, has none here either.
    fn address(self) -> Result<bool, Trouble> {
        let mut netlink = Netlink::open().map_err(failed("open rtnetlink"))?;
        let device = netlink.index(DEVICE).map_err(failed("find wharf0"))?;
        netlink
            .bring_up(device, Some(MTU), Neighbours::One)
            .map_err(failed("bring wharf0 up"))?;
        let (v4, v6) = self.addresses();
        let (peer_v4, peer_v6) = self.other().addresses();
        netlink
            .add_address(device, v4, peer_v4)
            .map_err(failed("add the IPv4 address"))?;
        let ipv6 = netlink.add_address(device, v6, peer_v6).is_ok();
        let mut route = |to| netlink.add_route(device, to).map_err(failed("add a route"));
        match self {
            Self::Near => {
                route(To::AnyV4)?;
                if ipv6 {
                    route(To::AnyV6)?;
                }
            }
            // The kernel makes it by itself too, but of IPv6's not at once.
            Self::Far if ipv6 => route(To::Host(peer_v6))?,
            Self::Far => {}
        }
        Ok(ipv6)
    }
}

pub(crate) fn failed<E: Display>(what: &'static str) -> impl FnOnce(E) -> Trouble {
    move |error| Trouble::of(format!("{what}: {error}"))
}

/// The settings of a network, before it has a device.
pub(crate) fn settings(congestion: Option<&str>) -> Result<(), Trouble> {
    // Anyone may have any port, and send echo requests.
    sysctl::try_set("ipv4/ip_unprivileged_port_start", "0");
    let gid = rustix::process::getegid().as_raw();
    if sysctl::set("ipv4/ping_group_range", "0 2147483647").is_err() {
        // In a user namespace only its own groups can be named.
        sysctl::try_set("ipv4/ping_group_range", &format!("{gid} {gid}"));
    }
    // No packets but the user's: no router solicitations, no link-local addresses and their reports.
    for conf in ["default", "all"] {
        sysctl::try_set(&format!("ipv6/conf/{conf}/accept_ra"), "0");
        sysctl::try_set(&format!("ipv6/conf/{conf}/router_solicitations"), "0");
        sysctl::try_set(&format!("ipv6/conf/{conf}/addr_gen_mode"), "1");
        sysctl::try_set(&format!("ipv6/conf/{conf}/accept_dad"), "0");
    }
    if let Some(name) = congestion {
        sysctl::set("ipv4/tcp_congestion_control", name).map_err(|error| {
            let allowed = sysctl::get("ipv4/tcp_allowed_congestion_control").unwrap_or_default();
            Trouble::with(
                format!("set the congestion control to {name}: {error}"),
                format!("a namespace may have those that the host allows everyone: {allowed}"),
            )
        })?;
    }
    Ok(())
}
