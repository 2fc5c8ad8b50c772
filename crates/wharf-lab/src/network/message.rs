//! What a network and the keeper of its namespaces say to each other.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wharf_facts::Protocol;

use crate::message::{Carrier, Trouble, Wanted};
use crate::switch::gate::Knock;

/// To the keeper. To each comes an [`Answer`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Begin. With it comes a file in memory: what names mean.
    Begin {
        /// The device node of TUN.
        tun: PathBuf,
        /// The congestion control everywhere; none: the host's.
        congestion: Option<String>,
    },
    /// Make a host.
    Host(HostPlan),
    /// A socket in the network of a host.
    Socket(usize, Wanted),
    /// See to it that a port of a host is reached if only its loopback has it.
    Knock(usize, Knock),
    /// Let what comes with this, sockets that listen, lead to a port of a host.
    Publish(usize, u16),
    /// Which ports of a host are reached by a relay, since only its loopback has them?
    Relayed(usize),
    /// What listens at a host?
    Listeners(usize),
}

/// A host.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HostPlan {
    /// Its number among the nodes.
    pub(crate) node: usize,
    pub(crate) devices: Vec<DevicePlan>,
}

/// A device of a host.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DevicePlan {
    /// IPv4 and IPv6, and how long their subnets' prefixes are.
    pub(crate) addresses: [(IpAddr, u8); 2],
    /// What else is sent into it.
    pub(crate) routes: Vec<(IpAddr, u8)>,
}

/// From the keeper.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It has begun: whether in a user namespace of its own, and under which number it has the names.
    Begun { owner: String, names: i32 },
    /// A host was made: with this come its devices. `network` is the number under which the keeper has its
    /// namespace.
    Host {
        carrier: Carrier,
        ipv6: bool,
        congestion: String,
        network: i32,
    },
    /// A socket, which comes with it.
    Socket,
    /// Whether the port is open.
    Open(bool),
    /// Done.
    Done,
    /// Ports.
    Ports(Vec<u16>),
    /// What listens.
    Listeners(Vec<Listening>),
    /// It could not be done.
    Failed(Trouble),
}

/// A socket that takes connections or datagrams in the network of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// Its transport.
    pub protocol: Protocol,
    /// Where.
    pub local: SocketAddr,
    /// The number of its inode.
    pub inode: u64,
}
