//! Which way packets take.

use std::net::IpAddr;

use crate::route::{Family, Routes};
use crate::topology::{Direction, NodeId, Role, SegmentId, Side, Topology};

/// A step of a path: out of one node, over a segment, into the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The node that sends.
    pub from: NodeId,
    /// Over what.
    pub segment: SegmentId,
    /// Which way over it.
    pub direction: Direction,
    /// The node that receives.
    pub to: NodeId,
    /// Its address on the segment: what traceroute shows.
    pub address: IpAddr,
    /// Whether the receiver translates the source on the way on, since the packet goes from its inside to its outside.
    pub translates: bool,
}

/// A path, and to which address it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The destination's address: of a node with several the one that is cheapest to reach.
    pub destination: IpAddr,
    /// The sum of metrics.
    pub metric: u32,
    /// The steps.
    pub hops: Vec<Hop>,
}

/// Why there is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPath {
    /// A node has no route.
    #[error("{at} has no route to {to}")]
    Unreachable {
        /// Which node.
        at: String,
        /// To where.
        to: IpAddr,
    },
    /// Nobody has that address.
    #[error("no node has the address {0}")]
    Nobody(IpAddr),
    /// Both are one node.
    #[error("{0} is where it begins")]
    Here(String),
}

impl Topology {
    /// The path of packets from one node to another.
    ///
    /// # Errors
    /// There is none: of the addresses of the destination, the error is about the first.
    pub fn path(&self, routes: &Routes, from: NodeId, to: NodeId, family: Family) -> Result<Path, NoPath> {
        let mut best: Option<Result<Path, NoPath>> = None;
        for interface in &self[to].interfaces {
            let path = self.path_to(routes, from, interface.addresses[family as usize]);
            best = match (best, path) {
                (Some(Ok(best)), Ok(path)) if path.metric < best.metric => Some(Ok(path)),
                (Some(Err(_)) | None, Ok(path)) => Some(Ok(path)),
                (None, Err(why)) => Some(Err(why)),
                (best, _) => best,
            };
        }
        // Every node is on a segment.
        best.unwrap_or_else(|| Err(NoPath::Here(self[to].name.clone())))
    }

    /// The path of packets from a node to an address.
    ///
    /// # Errors
    /// There is none.
    pub fn path_to(&self, routes: &Routes, from: NodeId, to: IpAddr) -> Result<Path, NoPath> {
        let Some((destination, _)) = self.node_at(to) else {
            return Err(NoPath::Nobody(to));
        };
        if destination == from {
            return Err(NoPath::Here(self[from].name.clone()));
        }
        let mut path = Path {
            destination: to,
            metric: 0,
            hops: Vec::new(),
        };
        let (mut at, mut side) = (from, None);
        // Every step comes nearer, so there are never more than nodes; translators may be passed twice.
        while at != destination && path.hops.len() <= self.nodes.len() * 2 {
            let unreachable = || NoPath::Unreachable {
                at: self[at].name.clone(),
                to,
            };
            let route = routes
                .table(at, Family::of(to))
                .lookup(to)
                .ok_or_else(unreachable)?;
            let next = route.via.map_or(destination, |(via, _)| via);
            let (Some(out), Some(into)) = (
                self.interface(at, route.segment),
                self.interface(next, route.segment),
            ) else {
                return Err(unreachable());
            };
            if let (Some(Side::Outside), Side::Inside, true) = (side, out.side, self.translates(at, to)) {
                // From outside nothing passes a translator to an address inside.
                return Err(unreachable());
            }
            if let Some(last) = path.hops.last_mut() {
                last.translates =
                    side == Some(Side::Inside) && out.side == Side::Outside && self.translates(at, to);
            }
            path.metric = path.metric.saturating_add(u32::from(out.metric.get()));
            path.hops.push(Hop {
                from: at,
                segment: route.segment,
                direction: if out.place < into.place {
                    Direction::Up
                } else {
                    Direction::Down
                },
                to: next,
                address: into.addresses[Family::of(to) as usize],
                translates: false,
            });
            (at, side) = (next, Some(into.side));
        }
        if at != destination {
            // The routes are of another topology, and lead in a circle.
            let at = self[at].name.clone();
            return Err(NoPath::Unreachable { at, to });
        }
        Ok(path)
    }

    fn translates(&self, node: NodeId, to: IpAddr) -> bool {
        to.is_ipv4() && matches!(self[node].role, Role::Nat(_))
    }
}
