//! Who sends what where.
//!
//! Every node that passes packets on knows the way to every segment: the one of the least sum of
//! metrics (Dijkstra), where each node on the way, the first too, adds what it costs *it* to send into the
//! next segment. Of equal sums the way over fewer nodes wins, then the one whose first segment and first
//! node come first by name; so every run has the same routes. Hosts pass nothing on and are on no way.
//!
//! IPv4 stops at translators: inside one the way to all else leads to the nearest translator, and from
//! outside none leads in. IPv6 passes through.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;

use crate::prefix::Prefix;
use crate::topology::{NodeId, Role, SegmentId, Side, Topology};

/// Of which IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both, IPv4 first.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// That of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    fn default_prefix(self) -> Prefix {
        match self {
            Self::V4 => Prefix::ALL_V4,
            Self::V6 => Prefix::ALL_V6,
        }
    }
}

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Where it leads.
    pub prefix: Prefix,
    /// The segment to send into.
    pub segment: SegmentId,
    /// The next node and its address on that segment. None: whoever has the address is on it.
    pub via: Option<(NodeId, IpAddr)>,
    /// The sum of metrics.
    pub metric: u32,
}

/// The routes of one node and one family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The longest prefixes first, then by address.
    routes: Vec<Route>,
}

impl Table {
    fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| (Reverse(route.prefix.len()), route.prefix.address()));
        Self { routes }
    }

    /// The routes, the longest prefixes first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Route> {
        self.routes.iter()
    }

    /// The route for an address: that of the longest prefix which it is in.
    #[must_use]
    pub fn lookup(&self, to: IpAddr) -> Option<&Route> {
        let mut rest = &self.routes[..];
        // One search for each length, of which there are two or three.
        while let Some(first) = rest.first() {
            let len = first.prefix.len();
            let (same, shorter) = rest.split_at(rest.partition_point(|route| route.prefix.len() >= len));
            let wanted = Prefix::around(to, len);
            let found = same.binary_search_by_key(&wanted.address(), |route| route.prefix.address());
            if let Ok(found) = found
                && same[found].prefix == wanted
            {
                return Some(&same[found]);
            }
            rest = shorter;
        }
        None
    }

    /// The same with one default route in place of all that lead to the same next node, as hosts have
    /// it; unless ways differ, or none leads on. A host then learns from its router what is unreachable.
    #[must_use]
    pub fn with_default(&self) -> Self {
        let mut remote = self.routes.iter().filter(|route| route.via.is_some());
        let Some(first) = remote.next() else {
            return self.clone();
        };
        if remote.any(|other| other.via != first.via) {
            return self.clone();
        }
        let mut routes: Vec<_> = self
            .routes
            .iter()
            .filter(|route| route.via.is_none())
            .copied()
            .collect();
        routes.push(Route {
            prefix: Family::of(first.prefix.address()).default_prefix(),
            ..*first
        });
        Self::new(routes)
    }
}

/// The routes of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    tables: Vec<[Table; 2]>,
}

impl Routes {
    /// The table of a node.
    #[must_use]
    pub fn table(&self, node: NodeId, family: Family) -> &Table {
        &self.tables[node.index()][family as usize]
    }
}

impl Topology {
    /// The routes when every segment is up.
    #[must_use]
    pub fn routes(&self) -> Routes {
        self.routes_without(&[])
    }

    /// The routes when these segments are down, once every router has learnt of it.
    #[must_use]
    pub fn routes_without(&self, down: &[SegmentId]) -> Routes {
        let nodes = self.nodes();
        let tables = nodes.map(|(id, _)| Family::BOTH.map(|family| self.table(id, family, down)));
        Routes {
            tables: tables.collect(),
        }
    }

    fn table(&self, node: NodeId, family: Family, down: &[SegmentId]) -> Table {
        let ways = Ways::find(self, node, family, down);
        let mut routes = Vec::new();
        for (id, segment) in self.segments() {
            let Some(way) = ways.to[id.0] else {
                continue;
            };
            routes.push(Route {
                prefix: segment.subnets.both()[family as usize],
                segment: way.first,
                via: way.via.map(|via| (via, self.address_on(via, way.first, family))),
                metric: way.metric,
            });
        }
        if let Some(way) = ways.out {
            routes.push(Route {
                prefix: family.default_prefix(),
                segment: way.first,
                via: way.via.map(|via| (via, self.address_on(via, way.first, family))),
                metric: way.metric,
            });
        }
        Table::new(routes)
    }

    fn address_on(&self, node: NodeId, segment: SegmentId, family: Family) -> IpAddr {
        match self.interface(node, segment) {
            Some(interface) => interface.addresses[family as usize],
            // Ways lead over interfaces alone.
            None => family.default_prefix().address(),
        }
    }
}

/// A way, in the order of which is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    metric: u32,
    hops: u32,
    first: SegmentId,
    via: Option<NodeId>,
}

/// The best ways from one node.
struct Ways {
    /// To each segment.
    to: Vec<Option<Way>>,
    /// To the nearest translator that leads out.
    out: Option<Way>,
}

/// What is the same for a whole search.
struct Search<'a> {
    topology: &'a Topology,
    family: Family,
    down: &'a [SegmentId],
    /// Ways to a node, by the segment over which they came.
    heap: BinaryHeap<Reverse<(Way, SegmentId, NodeId)>>,
}

impl Ways {
    fn find(topology: &Topology, start: NodeId, family: Family, down: &[SegmentId]) -> Self {
        let mut ways = Self {
            to: vec![None; topology.segments.len()],
            out: None,
        };
        let mut search = Search {
            topology,
            family,
            down,
            heap: BinaryHeap::new(),
        };
        ways.leave(&mut search, start, None, None);
        // Each side of a translator is reached for itself.
        let mut reached = vec![[false; 2]; topology.nodes.len()];
        while let Some(Reverse((way, over, node))) = search.heap.pop() {
            let Some(entered) = topology.interface(node, over) else {
                continue;
            };
            let translates = search.translates(node);
            let side = if translates { entered.side } else { Side::Outside };
            let is_known = std::mem::replace(&mut reached[node.0][side as usize], true);
            if node == start || is_known || topology[node].role == Role::Host {
                continue;
            }
            if translates && side == Side::Inside && ways.may_lead_out(&search, start, way) {
                ways.out = Some(way);
            }
            // Within its side a translator is a router.
            ways.leave(&mut search, node, Some(way), translates.then_some(side));
        }
        ways
    }

    /// Whether a way to the inside of a translator is the way to all else: it is the first that was found,
    /// and no way from a translator's own outside back in.
    fn may_lead_out(&self, search: &Search<'_>, start: NodeId, way: Way) -> bool {
        let first = search.topology.interface(start, way.first);
        let is_inward = search.translates(start) && first.is_some_and(|on| on.side == Side::Inside);
        self.out.is_none() && !is_inward
    }

    /// Sends from a node into each of its segments, of one side where that is said.
    fn leave(&mut self, search: &mut Search<'_>, node: NodeId, by: Option<Way>, side: Option<Side>) {
        let topology = search.topology;
        for on in &topology[node].interfaces {
            if side.is_some_and(|side| side != on.side) || search.down.contains(&on.segment) {
                continue;
            }
            let cost = u32::from(on.metric.get());
            let way = Way {
                metric: by.map_or(0, |by| by.metric).saturating_add(cost),
                hops: by.map_or(0, |by| by.hops) + 1,
                first: by.map_or(on.segment, |by| by.first),
                via: by.and_then(|by| by.via),
            };
            // What the node is joined to itself, it needs nobody's help for.
            let known = &mut self.to[on.segment.0];
            if known.is_none_or(|known| known.via.is_some() && way < known) {
                *known = Some(way);
            }
            for other in topology[on.segment].nodes.iter().filter(|other| **other != node) {
                let via = way.via.or(Some(*other));
                search
                    .heap
                    .push(Reverse((Way { via, ..way }, on.segment, *other)));
            }
        }
    }
}

impl Search<'_> {
    fn translates(&self, node: NodeId) -> bool {
        self.family == Family::V4 && matches!(self.topology[node].role, Role::Nat(_))
    }
}
