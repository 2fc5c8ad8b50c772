//! What is counted of a network.

use serde::Serialize;

use crate::switch::SegmentFigures;

/// What has passed, by place.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Crossings {
    /// By node, in the order of their names.
    pub nodes: Vec<NodeFigures>,
    /// By segment, in the order of their names: up and down.
    pub segments: Vec<[SegmentFigures; 2]>,
    /// By link, in the order in which they were given: up and down.
    pub links: Vec<[SegmentFigures; 2]>,
}

/// What happened at a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NodeFigures {
    /// Its name.
    pub name: String,
    /// Of a host: packets that have come for it.
    pub received: u64,
    /// Packets that it has passed on.
    pub forwarded: u64,
    /// Its own answers: to pings, and errors.
    pub answered: u64,
    /// Dropped: their time to live was over.
    pub expired: u64,
    /// Dropped: no route leads there.
    pub no_route: u64,
    /// Dropped by its firewall.
    pub firewall: u64,
    /// Dropped by its address translator.
    pub nat: u64,
    /// Of a host: dropped, since they were for somebody else.
    pub stray: u64,
    /// Of a host: dropped, since nobody is there to hand them to: multicast, broadcast.
    pub nowhere: u64,
    /// Of a host: not taken by its kernel.
    pub not_taken: u64,
    /// No packet of IP, or not what it said of itself.
    pub malformed: u64,
    /// Dropped: there was no memory.
    pub out_of_memory: u64,
}
