//! What routers, translators and firewalls do (RFC 1812; for translators RFC 4787 and 5382).

use std::net::IpAddr;
use std::time::Duration;

use wharf_packet::icmp::{self, Problem};
use wharf_packet::{Packet, PacketMut, Protocol, Ttl, VnetHeader};
use wharf_topology::firewall::Verdict;
use wharf_topology::nat::NatOutcome;
use wharf_topology::{Family, NodeId, Route, SegmentId, Side};

use super::transit::Transit;
use super::{Fabric, Step};
use crate::switch::parcel::Parcel;

impl Fabric {
    /// A packet is at a node that is no host.
    pub(super) fn forward(&mut self, step: Step) {
        let Step {
            time,
            node,
            came,
            mut parcel,
        } = step;
        let Some(packet) = parcel.packet() else {
            self.works[node.index()].figures.malformed += 1;
            return;
        };
        let mut to = packet.destination();
        let from = self.side(node, came);
        // What is for a translator's own outside address is for somebody inside, or for itself.
        let mine = self.owners.get(&to) == Some(&node);
        if mine {
            match (self.nat_of(node, to), came) {
                (Some(nat), Some(_)) => match self.translate(time, node, nat, from, &mut parcel) {
                    Some(NatOutcome::Forward(_)) => match parcel.packet() {
                        Some(packet) => to = packet.destination(),
                        None => return,
                    },
                    Some(_) => return self.own(time, node, came, parcel),
                    None => return,
                },
                _ => return self.own(time, node, came, parcel),
            }
        }
        if let Some(came) = came
            && let Ok(mut packet) = PacketMut::parse(&mut parcel.bytes)
            && packet.decrement_ttl() == Ttl::Expired
        {
            self.works[node.index()].figures.expired += 1;
            return self.refuse(time, node, came, parcel, Problem::TimeExceeded);
        }
        let Some((route, next)) = self.next(node, to) else {
            self.works[node.index()].figures.no_route += 1;
            if let Some(came) = came {
                let problem = match self.routes.table(node, Family::of(to)).lookup(to) {
                    Some(_) => Problem::HostUnreachable,
                    None => Problem::NetworkUnreachable,
                };
                self.refuse(time, node, came, parcel, problem);
            }
            return;
        };
        let out = self.side(node, Some(route.segment));
        if let Some(came) = came
            && out != from
        {
            let Some(allowed) = self.allowed(time, node, came, from, parcel) else {
                return;
            };
            parcel = allowed;
            // From outside nothing passes a translator to an address inside.
            if !mine && to.is_ipv4() && out == Side::Inside && !self.works[node.index()].nats.is_empty() {
                self.works[node.index()].figures.nat += 1;
                return;
            }
            // Hairpins and what came from outside are translated already.
            if !mine
                && out == Side::Outside
                && let Some(nat) = self.nat_out(node, route.segment)
                && self.translate(time, node, nat, from, &mut parcel).is_none()
            {
                return;
            }
        }
        if came.is_some() {
            self.works[node.index()].figures.forwarded += 1;
        }
        self.send(
            time,
            Transit {
                from: node,
                over: route.segment,
                to: next,
                parcel,
            },
        );
    }

    fn side(&self, node: NodeId, segment: Option<SegmentId>) -> Side {
        segment
            .and_then(|segment| self.on(node, segment))
            .map_or(Side::Outside, |on| on.side)
    }

    /// The route of a node to an address, and who is next on it.
    fn next(&self, node: NodeId, to: IpAddr) -> Option<(Route, NodeId)> {
        let route = *self.routes.table(node, Family::of(to)).lookup(to)?;
        let next = match route.via {
            Some((via, _)) => via,
            None => *self.owners.get(&to)?,
        };
        // An address of the segment that nobody there has.
        self.on(next, route.segment).map(|_| (route, next))
    }

    /// The translator with this outside address.
    fn nat_of(&self, node: NodeId, address: IpAddr) -> Option<usize> {
        let nats = self.works[node.index()].nats.iter();
        nats.into_iter()
            .position(|(segment, _)| {
                self.on(node, *segment)
                    .is_some_and(|on| on.addresses.contains(&address))
            })
            .filter(|_| address.is_ipv4())
    }

    /// The translator of what goes out over a segment.
    fn nat_out(&self, node: NodeId, segment: SegmentId) -> Option<usize> {
        let mut nats = self.works[node.index()].nats.iter();
        nats.position(|(of, _)| *of == segment)
    }

    /// `None`: it was dropped, and counted.
    fn translate(
        &mut self,
        time: Duration,
        node: NodeId,
        nat: usize,
        from: Side,
        parcel: &mut Parcel,
    ) -> Option<NatOutcome> {
        let works = &mut self.works[node.index()];
        let (_, nat) = works.nats.get_mut(nat)?;
        let checksum = parcel.header.checksum;
        let outcome = match PacketMut::parse(&mut parcel.bytes) {
            Ok(mut packet) => nat.translate(time, from, &mut packet, checksum),
            Err(_) => {
                works.figures.malformed += 1;
                return None;
            }
        };
        if let NatOutcome::Drop(_) = outcome {
            works.figures.nat += 1;
            return None;
        }
        Some(outcome)
    }

    /// What the node's firewall lets pass. `None`: nothing, and it is counted.
    fn allowed(
        &mut self,
        time: Duration,
        node: NodeId,
        came: SegmentId,
        from: Side,
        parcel: Parcel,
    ) -> Option<Parcel> {
        let works = &mut self.works[node.index()];
        let (Some(firewall), Some(packet)) = (&mut works.firewall, parcel.packet()) else {
            return Some(parcel);
        };
        let problem = match firewall.judge(time, from, &packet) {
            Verdict::Allow => return Some(parcel),
            Verdict::Drop(_) => None,
            Verdict::Reject(_, problem) => Some(problem),
        };
        works.figures.firewall += 1;
        if let Some(problem) = problem {
            self.refuse(time, node, came, parcel, problem);
        }
        None
    }

    /// A packet is for the node itself: it answers pings, and has no ports.
    fn own(&mut self, time: Duration, node: NodeId, came: Option<SegmentId>, mut parcel: Parcel) {
        let Some(came) = came else { return };
        let _ = parcel.header.complete_checksum(&mut parcel.bytes);
        parcel.header = VnetHeader::default();
        if let Ok(mut packet) = PacketMut::parse(&mut parcel.bytes)
            && packet.make_echo_reply()
        {
            self.works[node.index()].figures.answered += 1;
            return self.steps.push_back(Step {
                time,
                node,
                came: None,
                parcel,
            });
        }
        let has_ports = parcel
            .packet()
            .is_some_and(|packet| matches!(packet.protocol(), Protocol::TCP | Protocol::UDP));
        if has_ports {
            self.answer(time, node, came, &parcel.bytes, Problem::PortUnreachable);
        }
    }

    /// Drops a packet and tells its sender why.
    fn refuse(&mut self, time: Duration, node: NodeId, came: SegmentId, mut parcel: Parcel, why: Problem) {
        let _ = parcel.header.complete_checksum(&mut parcel.bytes);
        self.answer(time, node, came, &parcel.bytes, why);
    }

    /// A node tells the sender of a packet what is wrong, by its address on this segment.
    pub(super) fn answer(
        &mut self,
        time: Duration,
        node: NodeId,
        on: SegmentId,
        about: &[u8],
        problem: Problem,
    ) {
        let (Ok(about), Some(interface)) = (Packet::parse(about), self.topology.interface(node, on)) else {
            return;
        };
        let family = Family::of(about.source());
        let from = interface.addresses[family as usize];
        let works = &mut self.works[node.index()];
        if !works.budget.take(time) {
            return;
        }
        let mut message = [0; icmp::LONGEST];
        let Ok(len) = icmp::error(&about, problem, from, &mut message) else {
            return;
        };
        let Some(mut buffer) = self.pool.take(len) else {
            works.figures.out_of_memory += 1;
            return;
        };
        buffer.copy_from_slice(&message[..len]);
        works.figures.answered += 1;
        let to = about.source();
        let parcel = Parcel::new(buffer, VnetHeader::default());
        // A host that is asked to speak for a wire hands it to its neighbour; others have routes.
        let next = self.next(node, to);
        if let Some((route, next)) = next {
            self.send(
                time,
                Transit {
                    from: node,
                    over: route.segment,
                    to: next,
                    parcel,
                },
            );
        }
    }
}
