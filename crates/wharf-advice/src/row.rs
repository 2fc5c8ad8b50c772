//! A row of the map.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_facts::{Exposure, Family, Protocol};

/// A port that somebody listens on: a row of the map of this machine. Sockets on one port with the
/// same owner are one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The port.
    pub port: u16,
    /// The transport.
    #[schemars(with = "String")]
    pub protocol: Protocol,
    /// What it is: the service's name, the framework, the unit, or the program; by custom of the port
    /// where the owner is hidden.
    pub name: Option<String>,
    /// The project: the stack, the checkout, the Compose project.
    pub project: Option<String>,
    /// The branch that the checkout stands at.
    pub branch: Option<String>,
    /// The process, by name; none where it is hidden.
    pub owner: Option<String>,
    /// Its pid, the least of several.
    pub pid: Option<u32>,
    /// The user.
    pub user: Option<String>,
    /// Since when the process runs, in seconds since 1970 (UTC).
    pub since: Option<u64>,
    /// The families it takes.
    #[schemars(with = "Vec<String>")]
    pub families: Vec<Family>,
    /// The addresses it is bound to.
    pub addresses: Vec<IpAddr>,
    /// From where it can be reached: the widest of its addresses'.
    #[schemars(with = "String")]
    pub exposure: Exposure,
    /// Where to find it with a browser, if it speaks HTTP as far as known.
    pub url: Option<String>,
    /// Why it is there, in words.
    pub reason: Option<String>,
    /// The page's title, where it was asked.
    pub title: Option<String>,
}
