//! What names resolve to.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Seen;

/// What decides how a name is resolved, and what real resolutions gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Names {
    /// The lines of the hosts file that hold an address.
    pub hosts: Seen<Vec<HostsLine>>,
    /// The sources of `hosts:` in nsswitch.conf, in order, as written: `files`, `mdns4_minimal`,
    /// `[NOTFOUND=return]`, `dns`, `myhostname`.
    pub nsswitch: Seen<Vec<String>>,
    /// `nameserver` lines of resolv.conf.
    pub nameservers: Seen<Vec<String>>,
    /// The `search` domains of resolv.conf.
    pub search: Seen<Vec<String>>,
    /// What getaddrinfo said, for each name that was tried.
    pub resolutions: Vec<Resolution>,
}

impl Names {
    /// What getaddrinfo said of `name`, if it was asked.
    #[must_use]
    pub fn resolution(&self, name: &str) -> Option<&Resolution> {
        self.resolutions
            .iter()
            .find(|resolution| resolution.name.eq_ignore_ascii_case(name))
    }
}

/// A line of the hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostsLine {
    /// Its number in the file, from 1.
    pub line: u32,
    /// The address, without a zone.
    pub address: IpAddr,
    /// The names, as written; the first is the canonical one.
    pub names: Vec<String>,
}

/// What getaddrinfo said of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolution {
    /// The name.
    pub name: String,
    /// The answer; unknown when there was none in time.
    pub answer: Seen<Answer>,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub took_us: u64,
}

impl Resolution {
    /// The addresses, in the order in which a client tries them.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        match &self.answer {
            Seen::Known(Answer::Addresses(addresses)) => addresses,
            _ => &[],
        }
    }

    /// The addresses of one family, in order.
    pub fn of(&self, family: Family) -> impl Iterator<Item = IpAddr> {
        self.addresses()
            .iter()
            .copied()
            .filter(move |&address| Family::of(address) == family)
    }
}

/// An answer of getaddrinfo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// These, in this order; IPv4 and IPv6 together.
    Addresses(Vec<IpAddr>),
    /// None, and what the resolver said.
    Failed(String),
}

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of `address`. An IPv4-mapped IPv6 address is IPv4: that is what is spoken.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// The proxies that an environment names. Passwords within are replaced by `***`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Proxies {
    /// `http_proxy`, or `HTTP_PROXY`.
    pub http: Option<String>,
    /// `https_proxy`, or `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `all_proxy`, or `ALL_PROXY`.
    pub all: Option<String>,
    /// `no_proxy`, or `NO_PROXY`: the entries, without white space.
    pub exceptions: Vec<String>,
    /// The names of the variables that were set, as written.
    pub variables: Vec<String>,
}
