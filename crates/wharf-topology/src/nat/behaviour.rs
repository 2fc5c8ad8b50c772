//! How a translator behaves, in the words of RFC 4787.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wharf_link::Latency;

use crate::track::Timeouts;

/// Of what two things depend: which outside port an inside one is given (mapping, RFC 4787, section
/// 4.1), and who may send to it (filtering, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dependence {
    /// Not on the other end: one port for all; anyone may send.
    EndpointIndependent,
    /// On its address: who was sent to may send from any port.
    AddressDependent,
    /// On its address and port: only who was sent to may send.
    AddressAndPortDependent,
}

/// Which outside port is taken (RFC 4787, section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortAssignment {
    /// The inside one where it is free ("port preservation"), else the next that is free.
    Preserved,
    /// The same; and even ports get even ones, odd ports odd ones ("port parity").
    PreservedParity,
    /// One after another.
    Counted,
}

/// Whether inside nodes reach each other by their outside addresses (RFC 4787, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hairpinning {
    /// They do, and see each other's outside addresses (REQ-9a).
    Supported,
    /// Such packets are dropped.
    Dropped,
}

/// How a translator behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// On what mappings depend.
    pub mapping: Dependence,
    /// On what it depends who may send in.
    pub filtering: Dependence,
    /// Which ports are given.
    pub ports: PortAssignment,
    /// Whether hairpinning works.
    pub hairpinning: Hairpinning,
    /// How long conversations are remembered.
    pub timeouts: Timeouts,
    /// How many conversations it remembers at once.
    pub most_sessions: usize,
    /// How many outside ports one inside address may have at once (RFC 6888, REQ-4).
    pub most_ports: usize,
}

impl Behaviour {
    /// Independent mapping, port-dependent filtering, as most home routers.
    pub const PORT_RESTRICTED: Self = Self {
        mapping: Dependence::EndpointIndependent,
        filtering: Dependence::AddressAndPortDependent,
        ports: PortAssignment::Preserved,
        hairpinning: Hairpinning::Supported,
        timeouts: Timeouts::DEFAULT,
        most_sessions: 16_384,
        most_ports: 16_384,
    };
    /// Independent mapping and filtering.
    pub const FULL_CONE: Self = Self {
        filtering: Dependence::EndpointIndependent,
        ..Self::PORT_RESTRICTED
    };
    /// Independent mapping, address-dependent filtering.
    pub const RESTRICTED: Self = Self {
        filtering: Dependence::AddressDependent,
        ..Self::PORT_RESTRICTED
    };
    /// A port for every other end, as firewalls of companies: holes cannot be punched.
    pub const SYMMETRIC: Self = Self {
        mapping: Dependence::AddressAndPortDependent,
        ports: PortAssignment::Counted,
        hairpinning: Hairpinning::Dropped,
        ..Self::PORT_RESTRICTED
    };
    /// What RFC 6888 asks of carriers: independent mapping and filtering (REQ-7), parity, hairpinning,
    /// and a limit for each subscriber (REQ-4).
    pub const CARRIER_GRADE: Self = Self {
        filtering: Dependence::EndpointIndependent,
        ports: PortAssignment::PreservedParity,
        most_sessions: 262_144,
        most_ports: 1_024,
        ..Self::PORT_RESTRICTED
    };
}

/// A behaviour by its usual name (RFC 3489, section 5, has the first four).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// [`Behaviour::FULL_CONE`].
    FullCone,
    /// [`Behaviour::RESTRICTED`].
    Restricted,
    /// [`Behaviour::PORT_RESTRICTED`].
    #[default]
    PortRestricted,
    /// [`Behaviour::SYMMETRIC`].
    Symmetric,
    /// [`Behaviour::CARRIER_GRADE`].
    CarrierGrade,
}

impl Preset {
    fn behaviour(self) -> Behaviour {
        match self {
            Self::FullCone => Behaviour::FULL_CONE,
            Self::Restricted => Behaviour::RESTRICTED,
            Self::PortRestricted => Behaviour::PORT_RESTRICTED,
            Self::Symmetric => Behaviour::SYMMETRIC,
            Self::CarrierGrade => Behaviour::CARRIER_GRADE,
        }
    }
}

/// How a translator is to behave, as people write it: a name, or a table that begins with one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`nat` is `full-cone`, `restricted`, `port-restricted`, `symmetric` or `carrier-grade`, or a table `{ like = \"symmetric\", hairpinning = \"supported\" }`"
)]
pub enum NatSpec {
    /// By its name.
    Preset(Preset),
    /// A name, and what differs.
    Own(NatTable),
}

/// What differs from a behaviour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NatTable {
    /// From which.
    pub like: Preset,
    /// On what mappings depend: `endpoint-independent`, `address-dependent` or
    /// `address-and-port-dependent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Dependence>,
    /// On what it depends who may send in; the same words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filtering: Option<Dependence>,
    /// Which ports are given: `preserved`, `preserved-parity` or `counted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<PortAssignment>,
    /// `supported` or `dropped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hairpinning: Option<Hairpinning>,
    /// How long UDP is remembered: `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp_timeout: Option<Time>,
    /// How long established TCP is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_timeout: Option<Time>,
    /// How long TCP is that is being opened or was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_transitory_timeout: Option<Time>,
    /// How long pings are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_timeout: Option<Time>,
    /// How many conversations there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_sessions: Option<usize>,
    /// How many ports one inside address may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_ports: Option<usize>,
}

/// A time as people write it: `30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(pub Duration);

impl TryFrom<String> for Time {
    type Error = wharf_link::UnitError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse::<Latency>().map(|time| Self(time.duration()))
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        Latency::at_most(time.0).to_string()
    }
}

impl NatSpec {
    /// Whether what is behind it has addresses of a carrier.
    pub(crate) fn is_carrier_grade(&self) -> bool {
        let preset = match self {
            Self::Preset(preset) => *preset,
            Self::Own(table) => table.like,
        };
        preset == Preset::CarrierGrade
    }

    /// The whole behaviour.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        let table = match self {
            Self::Preset(preset) => return preset.behaviour(),
            Self::Own(table) => table,
        };
        let like = table.like.behaviour();
        let time = |own: Option<Time>, like| own.map_or(like, |time| time.0);
        Behaviour {
            mapping: table.mapping.unwrap_or(like.mapping),
            filtering: table.filtering.unwrap_or(like.filtering),
            ports: table.ports.unwrap_or(like.ports),
            hairpinning: table.hairpinning.unwrap_or(like.hairpinning),
            timeouts: Timeouts {
                udp: time(table.udp_timeout, like.timeouts.udp),
                tcp_established: time(table.tcp_timeout, like.timeouts.tcp_established),
                tcp_transitory: time(table.tcp_transitory_timeout, like.timeouts.tcp_transitory),
                icmp: time(table.icmp_timeout, like.timeouts.icmp),
            },
            most_sessions: table.most_sessions.unwrap_or(like.most_sessions),
            most_ports: table.most_ports.unwrap_or(like.most_ports),
        }
    }
}
