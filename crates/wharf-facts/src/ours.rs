//! What Wharf itself runs and has given out. Plain words, ports and addresses: the caller fills
//! them in, and nothing here knows a stack.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Wharf itself runs and has given out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ours {
    /// The stacks that run.
    pub stacks: Vec<OurStack>,
    /// The ports that were given out, whether or not they are in use.
    pub leases: Vec<OurLease>,
    /// The addresses at which the door is served.
    pub door: Vec<SocketAddr>,
    /// The pid of the process that serves the door.
    pub door_pid: Option<u32>,
}

/// A stack that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OurStack {
    /// Its name.
    pub name: String,
    /// Its project file.
    pub file: String,
    /// The pid of its engine.
    pub pid: Option<u32>,
    /// The id of its run.
    pub run: String,
    /// Its services.
    pub services: Vec<OurService>,
    /// Its links.
    pub links: Vec<OurLink>,
}

/// A service of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OurService {
    /// Its name.
    pub name: String,
    /// Its state, in the words of `wharf ps`.
    pub state: String,
    /// The pid of its first process.
    pub pid: Option<u32>,
    /// The addresses that it was told to listen on.
    pub told: Vec<SocketAddr>,
    /// The addresses that it really listens on.
    pub listens: Vec<SocketAddr>,
    /// Its page's address under a name.
    pub url: Option<String>,
}

/// A link of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OurLink {
    /// Its name: `web -> api`.
    pub name: String,
    /// The consumer.
    pub consumer: String,
    /// The provider.
    pub provider: String,
    /// The address at which the consumer meets it.
    pub address: Option<SocketAddr>,
    /// What it does to traffic, in the words of `wharf links`; empty when nothing.
    pub conditions: String,
    /// Whether it is cut, in the words of `wharf links`; empty when not.
    pub outage: String,
}

/// A port that was given out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OurLease {
    /// The port.
    pub port: u16,
    /// The checkout it was given to.
    pub checkout: String,
    /// The service it was given to.
    pub service: String,
    /// The port's name within the service.
    pub name: String,
    /// When it was last used, in seconds since 1970 (UTC).
    pub last_used: Option<u64>,
    /// The pid that holds it now.
    pub holder: Option<u32>,
}
