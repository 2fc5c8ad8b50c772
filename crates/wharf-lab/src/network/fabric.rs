//! What becomes of packets between the hosts of a topology: over which segments they go, what routers,
//! translators and firewalls do to them, what is answered. No clock and no socket: packets and times go in,
//! and what leaves for a host comes out.

mod change;
mod edges;
mod figures;
mod forward;
mod hosts;
mod timers;
mod transit;
pub(crate) mod watch;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use wharf_link::{Conditions, Machine, Offer, Overflow, Seed};
use wharf_packet::icmp::Problem;
use wharf_packet::{ErrorBudget, Fragments, VnetHeader};
use wharf_topology::{Direction, Firewall, Interface, Nat, NodeId, Role, Routes, SegmentId, Topology};

pub use figures::{Crossings, NodeFigures};
use timers::Timers;
use transit::Transit;

use self::watch::Watches;
use super::NetworkLink;
use crate::switch::SegmentFigures;
use crate::switch::cut::{self, Short};
use crate::switch::parcel::Parcel;
use crate::switch::pool::Pool;
use crate::switch::tap::{End, Instead};
use edges::Edges;

/// A packet that leaves for a host.
pub(crate) struct Departure {
    pub(crate) node: NodeId,
    /// The segment over which it comes.
    pub(crate) over: SegmentId,
    pub(crate) parcel: Parcel,
    /// When it should.
    pub(crate) ideal: Duration,
}

/// A packet at a node, on its way.
struct Step {
    time: Duration,
    node: NodeId,
    /// The segment it came over; of what the node says itself, none.
    came: Option<SegmentId>,
    parcel: Parcel,
}

/// What a node has to do its work.
struct Works {
    nats: Vec<(SegmentId, Nat)>,
    firewall: Option<Firewall>,
    budget: ErrorBudget,
    figures: NodeFigures,
}

pub(crate) struct Fabric {
    topology: Topology,
    routes: Routes,
    /// The segments that are cut.
    down: Vec<SegmentId>,
    owners: HashMap<IpAddr, NodeId>,
    /// Up and down of each segment, and then of each link.
    machines: Vec<Machine<Transit>>,
    timers: Timers,
    edges: Edges,
    works: Vec<Works>,
    /// Whether a segment tells packets from each other.
    segments_cut: bool,
    /// What is to be done before the next packet.
    steps: VecDeque<Step>,
    departures: Vec<Departure>,
    pool: Pool,
    watches: Watches,
}

impl Fabric {
    /// `start` is what the monotonic clock says now, `routes` are those of the topology, `segments` the conditions of each segment, up and down.
    pub(crate) fn new(
        topology: Topology,
        routes: Routes,
        segments: Vec<[Conditions; 2]>,
        links: &[NetworkLink],
        seed: Seed,
        pool: Pool,
        start: Duration,
    ) -> Self {
        let names = topology.segments().map(|(_, segment)| segment.name.as_str());
        let mut machines: Vec<_> = names
            .zip(segments)
            .flat_map(|(name, conditions)| pair(seed.derive("segment").derive(name), conditions))
            .collect();
        for link in links {
            let conditions = [link.up.clone(), link.down.clone()];
            machines.extend(pair(seed.derive("link").derive(&link.name), conditions));
        }
        let works = topology.nodes().map(|(id, _)| Works {
            nats: topology.nats(id),
            firewall: topology.firewall(id),
            budget: ErrorBudget::DEFAULT,
            figures: NodeFigures::default(),
        });
        let mut fabric = Self {
            works: works.collect(),
            owners: topology
                .nodes()
                .flat_map(|(id, _)| topology.addresses(id).map(move |address| (address, id)))
                .collect(),
            timers: Timers::new(machines.len()),
            edges: Edges::new(links),
            segments_cut: false,
            down: Vec::new(),
            machines,
            routes,
            topology,
            steps: VecDeque::new(),
            departures: Vec::new(),
            pool,
            watches: Watches::new(start),
        };
        fabric.decide();
        fabric
    }

    /// What has left for hosts since this was last asked.
    pub(crate) fn departures(&mut self) -> std::vec::Drain<'_, Departure> {
        self.departures.drain(..)
    }

    /// When something is due next.
    pub(crate) fn next_wakeup(&self) -> Option<Duration> {
        self.timers.next()
    }

    fn count_short(&mut self, node: NodeId, made: Result<(), Short>) {
        let figures = &mut self.works[node.index()].figures;
        match made {
            Ok(()) => {}
            Err(Short::Malformed) => figures.malformed += 1,
            Err(Short::OutOfMemory) => figures.out_of_memory += 1,
        }
    }

    /// Sends a packet into its segment.
    fn send(&mut self, time: Duration, transit: Transit) {
        let direction = self.topology.direction(transit.over, transit.from, transit.to);
        let direction = direction.unwrap_or(Direction::Up);
        let machine = Self::segment_machine(transit.over, direction);
        self.offer(time, machine, transit);
    }

    fn offer(&mut self, time: Duration, at: usize, transit: Transit) {
        let machine = &mut self.machines[at];
        // What was dropped is counted by the machine.
        let refused = match machine.offer(time, transit) {
            Offer::TooBig(transit, mtu) => Some((transit, mtu)),
            Offer::Dropped(transit, cause) if !self.watches.is_empty() => {
                self.watches.refused(at, time, machine, &transit.parcel, cause);
                None
            }
            _ => None,
        };
        self.timers.note(at, machine.next_wakeup());
        if !self.watches.is_empty() {
            self.watches.dropped(at, machine);
        }
        if let Some((transit, mtu)) = refused {
            self.too_big(time, at, transit, mtu);
        }
    }

    /// A packet that does not fit is cut into fragments where its sender allows it, and else its sender is
    /// told: by the router that has it, and of what comes from a host, by whoever is at the other end.
    fn too_big(&mut self, time: Duration, at: usize, transit: Transit, mtu: usize) {
        let Transit {
            from,
            over,
            to,
            mut parcel,
        } = transit;
        if parcel.header.complete_checksum(&mut parcel.bytes).is_err() {
            return;
        }
        let pool = self.pool.clone();
        let fragments = Fragments::new(&parcel.bytes, mtu);
        if !self.watches.is_empty() {
            let then = match fragments {
                Ok(_) => Instead::Fragments,
                Err(_) => Instead::Answer,
            };
            let len = parcel.bytes.len();
            self.watches
                .ends(at, time, &parcel, End::TooLong { len, mtu, then });
        }
        let Ok(mut fragments) = fragments else {
            let who = match self.topology[from].role {
                Role::Host => to,
                _ => from,
            };
            let mtu = u32::try_from(mtu).unwrap_or(u32::MAX);
            return self.answer(time, who, over, &parcel.bytes, Problem::TooBig { mtu });
        };
        let made = cut::fragments(&pool, &mut fragments, mtu, |fragment| {
            let transit = Transit {
                from,
                over,
                to,
                parcel: Parcel::new(fragment, VnetHeader::default()),
            };
            let machine = &mut self.machines[at];
            // It fits, so it is not cut again.
            let _ = machine.offer(time, transit);
            self.timers.note(at, machine.next_wakeup());
        });
        self.count_short(from, made);
    }

    /// Moves on what has arrived by now, in the order in which it did.
    pub(crate) fn advance(&mut self, now: Duration) {
        while let Some((due, at)) = self.timers.pop(now) {
            let machine = &mut self.machines[at];
            let delivery = machine.poll(due);
            self.timers.note(at, machine.next_wakeup());
            if !self.watches.is_empty() {
                self.watches.dropped(at, machine);
            }
            if let Some(delivery) = delivery {
                self.deliver(at, delivery);
                self.work();
            }
        }
    }

    fn deliver(&mut self, at: usize, mut delivery: wharf_link::Delivery<Transit>) {
        if !self.watches.is_empty() {
            self.watches.tell(at, &mut delivery);
        }
        let time = delivery.ideal_time;
        let mut transit = delivery.packet;
        transit.parcel.suffer(delivery.ce, delivery.corrupt);
        let mut copy = if delivery.duplicate {
            transit.copy(&self.pool)
        } else {
            None
        };
        if let Some(copy) = &mut copy {
            self.watches.tell_copy(at, &mut copy.parcel);
        }
        for transit in copy.into_iter().chain([transit]) {
            if !self.watches.is_empty() {
                self.watches.passes(at, time, &transit.parcel);
            }
            if at >= self.topology.segments().len() * 2 {
                self.send(time, transit);
            } else {
                self.arrive(time, transit);
            }
        }
    }

    /// A packet has passed a segment.
    fn arrive(&mut self, time: Duration, transit: Transit) {
        let Transit { over, to, parcel, .. } = transit;
        if self.topology[to].role != Role::Host {
            self.steps.push_back(Step {
                time,
                node: to,
                came: Some(over),
                parcel,
            });
            return;
        }
        let is_its = parcel
            .packet()
            .is_some_and(|packet| self.owners.get(&packet.destination()) == Some(&to));
        let figures = &mut self.works[to.index()].figures;
        if !is_its {
            // A host passes nothing on (RFC 1122, section 3.3.1).
            figures.stray += 1;
            return;
        }
        figures.received += 1;
        self.departures.push(Departure {
            node: to,
            over,
            parcel,
            ideal: time,
        });
    }

    /// Does what the last packet has led to.
    fn work(&mut self) {
        while let Some(step) = self.steps.pop_front() {
            self.forward(step);
        }
    }

    /// The interface of a node on a segment.
    fn on(&self, node: NodeId, segment: SegmentId) -> Option<&Interface> {
        self.topology.interface(node, segment)
    }

    /// A host's kernel did not take a packet.
    pub(crate) fn not_taken(&mut self, node: NodeId) {
        self.works[node.index()].figures.not_taken += 1;
    }

    /// What was read of a host and is no packet, or had no memory.
    pub(crate) fn not_read(&mut self, node: NodeId, why: Short) {
        self.count_short(node, Err(why));
    }

    /// What has passed.
    pub(crate) fn crossings(&self) -> Crossings {
        let figures = |name: &str, first: usize| {
            [first, first + 1].map(|at| SegmentFigures::of(name, &self.machines[at].counters()))
        };
        let segments = self.topology.segments();
        let links = self.edges.names().iter().enumerate();
        Crossings {
            nodes: self
                .topology
                .nodes()
                .zip(&self.works)
                .map(|((_, node), works)| NodeFigures {
                    name: node.name.clone(),
                    ..works.figures.clone()
                })
                .collect(),
            segments: segments
                .map(|(id, segment)| figures(&segment.name, Self::segment_machine(id, Direction::Up)))
                .collect(),
            links: links
                .map(|(link, name)| figures(name, self.link_machine(link, Direction::Up)))
                .collect(),
        }
    }
}

/// The machines of two directions.
fn pair(seed: Seed, [up, down]: [Conditions; 2]) -> [Machine<Transit>; 2] {
    [("up", up), ("down", down)]
        .map(|(way, conditions)| Machine::new(conditions, seed.derive(way), Overflow::Drop))
}
