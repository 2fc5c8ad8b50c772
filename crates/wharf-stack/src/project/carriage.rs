//! How traffic is carried: by what, under what cover, and what is noted of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What carries the traffic to a service or an external.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Connections.
    #[default]
    Tcp,
    /// Datagrams.
    Udp,
    /// Both, on one port.
    Both,
}

impl Transport {
    /// Whether there are connections.
    #[must_use]
    pub fn has_tcp(self) -> bool {
        self != Self::Udp
    }

    /// Whether there are datagrams.
    #[must_use]
    pub fn has_udp(self) -> bool {
        self != Self::Tcp
    }
}

/// What is noted of a link's traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Observation {
    /// Nothing.
    Off,
    /// What was asked and how it was answered, without secrets.
    #[default]
    Heads,
    /// And the beginnings of bodies.
    Bodies,
}

/// TLS towards an external that the link itself begins, so that its near side is in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOrigin {
    /// The name that the certificate must bear.
    pub name: String,
    /// Who may have signed it.
    pub roots: TlsRoots,
}

/// Who may have signed the certificate of an external.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsRoots {
    /// Those that this machine trusts.
    Platform,
    /// Those in this PEM file, relative to the project file's folder.
    File(String),
    /// Anybody: `dangerously-unverified = true`.
    Nobody,
}
