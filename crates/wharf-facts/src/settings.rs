//! The kernel's settings about ports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{PortRange, Seen};

/// The kernel's settings about ports, connections and loopback. On Linux, of this network
/// namespace (`ip-sysctl.rst`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// The ports that the kernel gives out by itself (`ip_local_port_range`).
    pub ephemeral: Seen<PortRange>,
    /// The ports that it was told not to give out by itself (`ip_local_reserved_ports`).
    pub reserved: Seen<Vec<PortRange>>,
    /// The least port that may be bound without privilege (`ip_unprivileged_port_start`).
    pub unprivileged_start: Seen<u16>,
    /// The interfaces on which IPv6 is switched off (`disable_ipv6`), `all` and `default` among
    /// them; every one when the kernel has no IPv6, which [`Settings::ipv6`] tells.
    pub ipv6_disabled_on: Seen<Vec<String>>,
    /// Whether the kernel has IPv6 at all.
    pub ipv6: Seen<bool>,
    /// Whether a new IPv6 socket refuses IPv4 unless told otherwise (`bindv6only`).
    pub v6only: Seen<bool>,
    /// Whether TIME_WAIT may be used again for connecting (`tcp_tw_reuse`).
    pub time_wait_reuse: Seen<TimeWaitReuse>,
    /// The most that a backlog can be (`somaxconn`).
    pub somaxconn: Seen<u32>,
    /// The most half-made connections that a listener keeps (`tcp_max_syn_backlog`).
    pub max_syn_backlog: Seen<u32>,
    /// Whether a full listener resets instead of dropping (`tcp_abort_on_overflow`).
    pub abort_on_overflow: Seen<bool>,
    /// The interfaces on which 127/8 may be routed (`route_localnet`).
    pub route_localnet_on: Seen<Vec<String>>,
    /// Whether a socket may bind an address that no interface has (`ip_nonlocal_bind`).
    pub nonlocal_bind: Seen<bool>,
    /// Whether this system forwards IPv4 between interfaces (`ip_forward`).
    pub forwarding: Seen<bool>,
}

/// `tcp_tw_reuse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeWaitReuse {
    /// 0: never.
    Never,
    /// 1: wherever it is safe.
    Everywhere,
    /// 2: on loopback only; the default since Linux 4.19.
    Loopback,
}
