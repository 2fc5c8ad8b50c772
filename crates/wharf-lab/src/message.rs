//! The messages between the processes of a lab.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The two ends of the link of a lab: what the command's side is, and what the gateway's.
///
/// IPv4 is from 198.18.0.0/15, which RFC 2544 keeps for tests of networks: nothing on the internet has
/// it, and hardly a LAN, a VPN or a container network does. IPv6 is a unique local address (RFC 4193)
/// whose global id spells `wharf`.
pub const NEAR_V4: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
/// The gateway.
pub const FAR_V4: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
/// The command's side.
pub const NEAR_V6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0x6861, 0x7266, 0, 0, 0, 0, 2);
/// The gateway.
pub const FAR_V6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0x6861, 0x7266, 0, 0, 0, 0, 1);

/// To the far side: make the namespaces. With it comes its child's end of a channel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begin {
    /// The device node of TUN.
    pub(crate) tun: PathBuf,
    /// The congestion control of both ends; none: the host's.
    pub(crate) congestion: Option<String>,
    /// What the command may do with its network.
    pub(crate) tools: Tools,
}

/// What the command may do with its network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tools {
    /// What an ordinary program may.
    #[default]
    Ordinary,
    /// Read and write raw packets, and change devices, addresses and routes: `CAP_NET_RAW` and
    /// `CAP_NET_ADMIN`, over its own namespaces only.
    Network,
}

/// From the far side.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromFar {
    /// The namespaces are there. With it come the two ends of the link: the command's and the gateway's.
    Ready {
        /// What the two ends are.
        carrier: Carrier,
        /// The congestion control of both.
        congestion: String,
        /// Whether there is IPv6.
        ipv6: bool,
        /// The first process of the command's side.
        init: u32,
    },
    /// They are not.
    Failed(Trouble),
    /// A socket of the gateway's side, which comes with it.
    Socket,
}

/// What went wrong in another process, and what can be done about it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// Operation, subject, reason.
    pub(crate) error: String,
    /// The remedy.
    pub(crate) hint: Option<String>,
}

/// By what packets come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Carrier {
    /// TUN devices.
    Tun,
    /// Packet sockets on veth devices, where /dev/net/tun is closed to the user.
    Veth,
}

/// To the far side: a socket, please, for the gateway's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    /// For connections.
    Stream(Family),
    /// For datagrams.
    Datagram(Family),
}

/// Which IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Family {
    V4,
    V6,
}

/// What names mean to a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    /// For `/etc/hosts`, before what the host has there.
    pub(crate) hosts: Vec<(IpAddr, String)>,
    /// Who is asked for all others.
    pub(crate) resolver: Option<IpAddr>,
    /// Ports of the command's own loopback that lead to the gateway's.
    pub(crate) local: Vec<u16>,
}

/// To the first process of the command's side. With [`Order::Prepare`] come the command's standard streams.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Set up its files.
    Prepare(Names),
    /// Start the command: its network carries.
    Start,
    /// Send the command a signal.
    Signal(i32),
}

/// From the first process of the command's side.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromInit {
    /// It could not set up the files, or start the command.
    Failed(Trouble),
    /// The command has ended.
    Exited(Exit),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By itself, with a code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// The link address of every veth device of a lab: locally administered, and never on a wire with a
/// third.
pub(crate) const DEVICE_ADDRESS: [u8; 6] = [0x02, b'w', b'h', b'a', b'r', b'f'];
