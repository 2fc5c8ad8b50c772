//! What comes out of hosts: which link it belongs to, whether a train stays whole, and whom a host hands it.

use std::time::Duration;

use wharf_packet::{Gso, VnetHeader};
use wharf_topology::{Family, NodeId, Role, SegmentId};

use super::Fabric;
use super::transit::Transit;
use crate::switch::cut;
use crate::switch::parcel::Parcel;
use crate::switch::pool::Buffer;
use crate::switch::stage::{Offload, offload};

impl Fabric {
    /// A packet comes out of a host, into a segment.
    pub(crate) fn enter(
        &mut self,
        now: Duration,
        node: NodeId,
        over: SegmentId,
        bytes: Buffer,
        header: VnetHeader,
    ) {
        let parcel = Parcel::new(bytes, header);
        let edge = self.edge(node, &parcel);
        let is_cut = self.segments_cut
            || edge.is_some_and(|at| offload(self.machines[at].conditions()) == Offload::Cut);
        if header.gso == Gso::None || !is_cut {
            self.leave_host(now, node, over, edge, parcel);
            return self.work();
        }
        let pool = self.pool.clone();
        let whole = cut::train(&pool, &parcel.bytes, &header, |piece| {
            let piece = Parcel::new(piece, VnetHeader::default());
            self.leave_host(now, node, over, edge, piece);
        });
        self.count_short(node, whole);
        self.work();
    }

    /// The machine of the link that a packet of a host belongs to.
    fn edge(&self, from: NodeId, parcel: &Parcel) -> Option<usize> {
        if self.edges.is_empty() {
            return None;
        }
        let packet = parcel.packet()?;
        let to = self.owners.get(&packet.destination())?;
        let (link, direction) = self.edges.find(from, *to, packet.ports())?;
        Some(self.link_machine(link, direction))
    }

    fn leave_host(
        &mut self,
        now: Duration,
        node: NodeId,
        over: SegmentId,
        edge: Option<usize>,
        parcel: Parcel,
    ) {
        let Some(to) = self.next_of_host(node, over, &parcel) else {
            // Multicast, broadcast, and what nobody here has.
            self.works[node.index()].figures.nowhere += 1;
            return;
        };
        let transit = Transit {
            from: node,
            over,
            to,
            parcel,
        };
        match edge {
            Some(machine) => self.offer(now, machine, transit),
            None => self.send(now, transit),
        }
    }

    /// Whom a host hands a packet that it sends into a segment: its receiver, or the router that the
    /// host's routes name there.
    fn next_of_host(&self, node: NodeId, over: SegmentId, parcel: &Parcel) -> Option<NodeId> {
        let to = parcel.packet()?.destination();
        if let Some(owner) = self.owners.get(&to)
            && *owner != node
            && self
                .topology
                .interface(*owner, over)
                .is_some_and(|on| on.addresses.contains(&to))
        {
            return Some(*owner);
        }
        let table = self.routes.table(node, Family::of(to));
        match table.lookup(to) {
            Some(route) if route.segment == over => route.via.map(|(via, _)| via),
            // Who changes a host's routes, or sends to what nobody has, meets the segment's first router.
            _ => {
                let mut nodes = self.topology[over].nodes.iter().copied();
                nodes.find(|other| *other != node && self.topology[*other].role != Role::Host)
            }
        }
    }
}
