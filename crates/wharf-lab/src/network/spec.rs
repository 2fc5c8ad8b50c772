//! What a network is to be, what is known of it, and what has passed.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use wharf_link::{Conditions, Seed};
use wharf_relay::LatenessStats;
use wharf_topology::{NodeId, Topology};

use super::fabric::Crossings;
use crate::gateway::Allow;
use crate::message::Carrier;

/// What a network is to be.
#[derive(Debug, Clone)]
pub struct NetworkSpec {
    /// The program that runs [the stages](crate::run_stage) when its first argument is
    /// [`ARGUMENT`](crate::ARGUMENT): this one, as a rule.
    pub exe: PathBuf,
    /// The nodes and segments.
    pub topology: Topology,
    /// The conditions of each segment by [`SegmentId::index`](wharf_topology::SegmentId::index): up, down.
    pub segments: Vec<[Conditions; 2]>,
    /// What is between two hosts beside the segments.
    pub links: Vec<NetworkLink>,
    /// The seed of the run.
    pub seed: Seed,
    /// The congestion control of all hosts; none: the host's.
    pub congestion: Option<String>,
    /// The device node of TUN.
    pub tun: PathBuf,
    /// The node that stands for this machine.
    pub machine: Option<Machine>,
    /// Whether what listens on a host's loopback alone is reached from others.
    pub loopback: Loopback,
}

/// The node that stands for this machine: what listens on the machine's loopback is reached at the node's addresses.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Which node.
    pub node: NodeId,
    /// Which ports.
    pub allow: Allow,
}

/// Whether what listens on a host's loopback alone is reached from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Loopback {
    /// No, as on any network.
    #[default]
    Own,
    /// Yes: the last hop is a relay in the host's own network.
    Reached,
}

/// What is between two hosts beside the segments on the way: the packets of one service that another needs.
#[derive(Debug, Clone)]
pub struct NetworkLink {
    /// Its name. Its randomness follows from the seed and this name.
    pub name: String,
    /// Who connects.
    pub consumer: NodeId,
    /// To whom.
    pub provider: NodeId,
    /// To which ports; none: all.
    pub ports: Vec<u16>,
    /// The conditions to the provider.
    pub up: Conditions,
    /// The conditions to the consumer.
    pub down: Conditions,
}

/// What is known of a network from its start.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkFacts {
    /// By what packets come and go.
    pub carrier: Carrier,
    /// The congestion control of all hosts.
    pub congestion: String,
    /// Whether there is IPv6.
    pub ipv6: bool,
    /// The process that owns the namespaces.
    pub keeper: u32,
    /// How long it took until packets could pass.
    pub start: Duration,
}

/// What has passed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NetworkFigures {
    /// Packets that came out of hosts. What a kernel left to be cut is one.
    pub read: u64,
    /// Those that a kernel left to be cut.
    pub trains: u64,
    /// By node, segment and link.
    #[serde(flatten)]
    pub crossings: Crossings,
    /// How late packets were handed over: after their ideal time.
    pub lateness: LatenessStats,
}
