//! A topology as people write it.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};
use wharf_link::Settings;

use crate::firewall::{Action, RuleSpec};
use crate::nat::NatSpec;

/// Nodes and segments: the sections `[node.NAME]` and `[segment.NAME]` of a project file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The nodes, by name.
    #[serde(default)]
    pub node: BTreeMap<String, NodeSpec>,
    /// The segments, by name.
    #[serde(default)]
    pub segment: BTreeMap<String, SegmentSpec>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Has programs, and passes nothing on.
    #[default]
    Host,
    /// Passes packets on.
    Router,
    /// Passes packets on, and translates the IPv4 addresses of its inside.
    Nat,
    /// Passes on the packets that its rules allow.
    Firewall,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    /// What it is: `host` (the default), `router`, `nat` or `firewall`.
    #[serde(default)]
    pub kind: Kind,
    /// Of a translator or firewall: the segments that are its inside. All others are its outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// Of a translator: how it behaves. By default `port-restricted`, as most home routers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat: Option<NatSpec>,
    /// Of a firewall: what becomes of packets that no rule is about. By default `drop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Action>,
    /// Of a firewall: its rules. The first that matches decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSpec>,
}

/// A stretch of network: a wire between two nodes, or one that many share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentSpec {
    /// The nodes on it, each once. What goes to a node further back in the list goes *up*, what goes to one
    /// further to the front goes *down*: users first, then whoever serves them.
    pub nodes: Vec<String>,
    /// What it costs to send into it.
    #[serde(default, skip_serializing_if = "Metric::is_default")]
    pub metric: Metric,
    /// A profile to begin with, such as `4g`. Other conditions override it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What differs towards the back of the list.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub up: Settings,
    /// What differs towards the front.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub down: Settings,
    /// Conditions for both directions, as keys beside the others: `latency = "20ms"`.
    #[serde(flatten)]
    pub both: Settings,
}

/// What it costs to send into a segment, as the output cost of an interface in OSPF (RFC 2328, section
/// 9). Routes are those of the least sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a metric is a number from 1 to 65535, or one by node: `{ home = 1, office = 10 }`"
)]
pub enum Metric {
    /// The same for every node.
    Same(NonZeroU16),
    /// By node, so that ways there and back can differ. Nodes that are not named: 1.
    ByNode(BTreeMap<String, NonZeroU16>),
}

impl Metric {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn of(&self, node: &str) -> NonZeroU16 {
        match self {
            Self::Same(metric) => *metric,
            Self::ByNode(metrics) => metrics.get(node).copied().unwrap_or(NonZeroU16::MIN),
        }
    }
}

impl Default for Metric {
    fn default() -> Self {
        Self::Same(NonZeroU16::MIN)
    }
}
