//! Rules, as people write them and as they are matched.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use wharf_packet::{Packet, Protocol};

use crate::prefix::{Prefix, PrefixError};
use crate::topology::{Side, Topology};

/// What is done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It passes.
    Allow,
    /// It ends, and nobody is told.
    Drop,
    /// It ends, and its sender is told.
    Reject,
}

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// From outside to inside.
    In,
    /// From inside to outside.
    Out,
}

/// A protocol, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolName {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP of both families.
    Icmp,
}

/// Whether a packet belongs to a conversation that was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It would begin one.
    New,
    /// It belongs to one, or is an error about one.
    Established,
}

/// One, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// A list.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn each(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// A port, or several: `443`, `"8000-8100"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a port is a number from 0 to 65535, or a text such as \"8000-8100\""
)]
pub enum PortSpec {
    /// One.
    Number(u16),
    /// From one to another.
    Range(String),
}

/// A rule, as people write it. What is not said matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleSpec {
    /// What is done: `allow`, `drop` or `reject`.
    pub action: Action,
    /// Which way: `in` or `out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Way>,
    /// `tcp`, `udp` or `icmp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ProtocolName>,
    /// Who sends: a node, a segment, or a block of addresses; or a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<OneOrMany<String>>,
    /// Who is to receive; the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<OneOrMany<String>>,
    /// To which port: `443`, `"8000-8100"`, or a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<OneOrMany<PortSpec>>,
    /// From which port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_port: Option<OneOrMany<PortSpec>>,
    /// `new` or `established`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// Why a rule is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Neither a name nor a block.
    #[error("`{0}` is no node, no segment, and no block of addresses such as `198.18.7.0/24`")]
    Name(String),
    /// A block that is none.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// Ports of a protocol without ports.
    #[error("ports are of TCP and UDP: add `protocol = \"tcp\"` or `\"udp\"`")]
    Ports,
    /// No range.
    #[error("`{0}` is no range of ports, such as `8000-8100`")]
    Range(String),
}

/// A rule that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) action: Action,
    from_side: Option<Side>,
    protocol: Option<ProtocolName>,
    /// Empty: anyone.
    from: Vec<Prefix>,
    to: Vec<Prefix>,
    /// Empty: any.
    ports: Vec<RangeInclusive<u16>>,
    from_ports: Vec<RangeInclusive<u16>>,
    state: Option<State>,
}

impl Rule {
    pub(super) fn read(written: &RuleSpec, topology: &Topology) -> Result<Self, RuleError> {
        let has_ports = written.port.is_some() || written.from_port.is_some();
        if has_ports && !matches!(written.protocol, Some(ProtocolName::Tcp | ProtocolName::Udp)) {
            return Err(RuleError::Ports);
        }
        Ok(Self {
            action: written.action,
            from_side: written.direction.map(|way| match way {
                Way::In => Side::Outside,
                Way::Out => Side::Inside,
            }),
            protocol: written.protocol,
            from: addresses(written.from.as_ref(), topology)?,
            to: addresses(written.to.as_ref(), topology)?,
            ports: ports(written.port.as_ref())?,
            from_ports: ports(written.from_port.as_ref())?,
            state: written.state,
        })
    }

    pub(super) fn matches(&self, from: Side, state: State, packet: &Packet<'_>) -> bool {
        self.from_side.is_none_or(|side| side == from)
            && self.state.is_none_or(|wanted| wanted == state)
            && self
                .protocol
                .is_none_or(|protocol| is_of(protocol, packet.protocol()))
            && is_among(&self.from, packet.source())
            && is_among(&self.to, packet.destination())
            && self.matches_ports(packet)
    }

    fn matches_ports(&self, packet: &Packet<'_>) -> bool {
        if self.ports.is_empty() && self.from_ports.is_empty() {
            return true;
        }
        let is_one = |ports: &[RangeInclusive<u16>], port| {
            ports.is_empty() || ports.iter().any(|range| range.contains(&port))
        };
        let ports = packet.ports();
        ports.is_some_and(|[source, destination]| {
            is_one(&self.from_ports, source) && is_one(&self.ports, destination)
        })
    }
}

fn is_of(name: ProtocolName, protocol: Protocol) -> bool {
    match name {
        ProtocolName::Tcp => protocol == Protocol::TCP,
        ProtocolName::Udp => protocol == Protocol::UDP,
        ProtocolName::Icmp => protocol.is_icmp(),
    }
}

fn is_among(prefixes: &[Prefix], address: IpAddr) -> bool {
    prefixes.is_empty() || prefixes.iter().any(|prefix| prefix.contains(address))
}

fn addresses(written: Option<&OneOrMany<String>>, topology: &Topology) -> Result<Vec<Prefix>, RuleError> {
    let mut prefixes = Vec::new();
    for text in written.map_or(&[][..], OneOrMany::each) {
        if let Some(node) = topology.node(text) {
            prefixes.extend(topology.addresses(node).map(Prefix::host));
        } else if let Some(segment) = topology.segment(text) {
            prefixes.extend(topology[segment].subnets.both());
        } else {
            let prefix = text.parse().map_err(|problem| match problem {
                PrefixError::Text(text) => RuleError::Name(text),
                problem => problem.into(),
            });
            prefixes.push(prefix?);
        }
    }
    Ok(prefixes)
}

fn ports(written: Option<&OneOrMany<PortSpec>>) -> Result<Vec<RangeInclusive<u16>>, RuleError> {
    let range = |spec: &PortSpec| match spec {
        PortSpec::Number(port) => Ok(*port..=*port),
        PortSpec::Range(text) => {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            match (first.trim().parse(), last.trim().parse()) {
                (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
                _ => Err(RuleError::Range(text.clone())),
            }
        }
    };
    written
        .map_or(&[][..], OneOrMany::each)
        .iter()
        .map(range)
        .collect()
}
