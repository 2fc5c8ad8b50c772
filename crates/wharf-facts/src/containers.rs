//! Containers, and other network namespaces.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Protocol, Seen, SocketFacts};

/// A container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Container {
    /// Its id, in full.
    pub id: String,
    /// Its name.
    pub name: Seen<String>,
    /// The image it was made of.
    pub image: Seen<String>,
    /// What runs it: `docker`, `podman`, `containerd`, and by what that was seen.
    pub engine: String,
    /// Whether it runs: `running`, `exited`, `paused`, …
    pub state: Seen<String>,
    /// The ports that it publishes, or only exposes.
    pub ports: Seen<Vec<PublishedPort>>,
    /// Its addresses in the networks of its engine.
    pub addresses: Seen<Vec<IpAddr>>,
    /// The project and the service of Compose it belongs to.
    pub compose: Option<Compose>,
    /// Pids of it that the viewer's PID namespace knows.
    pub pids: Vec<u32>,
    /// Its network namespace, by inode number.
    pub netns: Seen<u64>,
}

impl Container {
    /// Its ports that are reached at `port` of this machine, of either transport.
    pub fn published_at(&self, port: u16) -> impl Iterator<Item = &PublishedPort> {
        let ports = self.ports.items().iter();
        ports.filter(move |each| each.published == Some(port))
    }
}

/// A port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedPort {
    /// The port inside.
    pub inside: u16,
    /// The transport.
    pub protocol: Protocol,
    /// The port on this machine; `None` where it is exposed and not published.
    #[serde(default)]
    pub published: Option<u16>,
    /// The address on this machine.
    #[serde(default)]
    pub address: Option<IpAddr>,
}

/// Where in a Compose project a container belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compose {
    /// The project.
    pub project: String,
    /// The service.
    pub service: String,
    /// The directory of the project.
    #[serde(default)]
    pub directory: Option<String>,
}

/// A network namespace other than the viewer's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NetNamespace {
    /// Its inode number.
    pub inode: u64,
    /// Its name below `/run/netns`, if it has one.
    pub name: Option<String>,
    /// Pids in it that the viewer may see.
    pub pids: Vec<u32>,
    /// The container that its processes are in, if one.
    pub container: Option<String>,
    /// The TCP sockets in it that wait for connections.
    pub listeners: Seen<Vec<SocketFacts>>,
    /// Its addresses.
    pub addresses: Seen<Vec<IpAddr>>,
}
