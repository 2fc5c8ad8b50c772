//! The network interfaces.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Seen;

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Interface {
    /// Its name: `lo`, `eth0`.
    pub name: String,
    /// Its number.
    pub index: u32,
    /// Whether it is up.
    pub up: Seen<bool>,
    /// Whether it is the loopback interface.
    pub loopback: Seen<bool>,
    /// Its addresses, with their prefix lengths.
    pub addresses: Vec<InterfaceAddress>,
    /// What kind it is, as far as the kernel says: `bridge`, `veth`, `tun`, `wireguard`, `wlan`.
    pub kind: Seen<Option<String>>,
}

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// How many leading bits name the network.
    pub prefix: u8,
}
