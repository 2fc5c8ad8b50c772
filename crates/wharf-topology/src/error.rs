//! What is wrong with a topology.

use crate::firewall::RuleError;
use crate::spec::Kind;

/// Why a specification makes no network. Each names the node or segment, and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// A name cannot stand in a host's name.
    #[error("{what} `{name}`: a name has 1 to 63 of a-z, 0-9 and `-`, and no `-` at its ends")]
    Name {
        /// `node` or `segment`.
        what: &'static str,
        /// What was written.
        name: String,
    },
    /// More than can have addresses.
    #[error("there are {count} {what}, and at most {most} have room")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many have room.
        most: usize,
    },
    /// A segment joins a node that is not there.
    #[error("segment `{segment}` joins `{node}`, and there is no [node.{node}]")]
    UnknownNode {
        /// The segment.
        segment: String,
        /// The node.
        node: String,
    },
    /// A segment joins a node to itself.
    #[error("segment `{segment}` names `{node}` twice")]
    Twice {
        /// The segment.
        segment: String,
        /// The node.
        node: String,
    },
    /// A segment joins nothing.
    #[error("segment `{0}` joins fewer than two nodes")]
    Lonely(String),
    /// A node is on no segment.
    #[error("node `{0}` is on no segment: name it in the `nodes` of one")]
    Unjoined(String),
    /// A metric for a node that is not on the segment.
    #[error("segment `{segment}` has a metric for `{node}`, which is not on it")]
    StrayMetric {
        /// The segment.
        segment: String,
        /// The node.
        node: String,
    },
    /// There is no such profile.
    #[error("segment `{segment}`: there is no profile `{profile}`; `wharf profiles` lists them")]
    Profile {
        /// The segment.
        segment: String,
        /// What was written.
        profile: String,
    },
    /// A key that is for nodes of another kind.
    #[error("node `{node}` is a {kind}, and `{key}` is for {of}")]
    Key {
        /// The node.
        node: String,
        /// What it is.
        kind: Kind,
        /// The key.
        key: &'static str,
        /// Whose key it is.
        of: &'static str,
    },
    /// A translator or firewall with only one side.
    #[error(
        "node `{node}`: `inside` names {named} of its {all} segments; a {kind} has some inside and some outside"
    )]
    Sides {
        /// The node.
        node: String,
        /// What it is.
        kind: Kind,
        /// How many segments are named.
        named: usize,
        /// How many it is on.
        all: usize,
    },
    /// The inside is no segment of the node's.
    #[error("node `{node}` has `{segment}` inside, and is not on it")]
    Inside {
        /// The node.
        node: String,
        /// The segment.
        segment: String,
    },
    /// There is a way around a translator.
    #[error(
        "node `{node}` translates between `{inside}` and `{outside}`, and another way joins them: nothing would be behind it"
    )]
    Around {
        /// The translator.
        node: String,
        /// A segment inside.
        inside: String,
        /// A segment outside.
        outside: String,
    },
    /// Translators that are each behind another.
    #[error("node `{0}` translates to a network that is itself behind it")]
    Circle(String),
    /// A rule of a firewall.
    #[error("node `{node}`, rule {number}: {problem}")]
    Rule {
        /// The firewall.
        node: String,
        /// Which rule, from 1.
        number: usize,
        /// What is wrong with it.
        problem: RuleError,
    },
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Router => "router",
            Self::Nat => "nat",
            Self::Firewall => "firewall",
        })
    }
}
