//! What is asked of links for datagrams: they come, change, are cut, healed and removed.

use std::io;

use wharf_link::Conditions;

use super::batch::Batch;
use super::link::Link;
use super::seat::Seat;
use super::spec::DatagramSpec;
use super::{Around, Datagrams, Source};
use crate::connection::UP;
use crate::engine::datagram_token;
use crate::error::Error;
use crate::link::Far;
use crate::spec::{Cut, LinkId, Manner, Provider, SegmentId};
use crate::stats::LinkStats;

impl Datagrams {
    pub(crate) fn has(&self, id: LinkId) -> bool {
        self.links.contains_key(&id.0)
    }

    /// A link's name.
    pub(crate) fn name(&self, id: LinkId) -> Option<&str> {
        self.links.get(&id.0).map(|link| link.name.as_str())
    }

    /// A link that runs over a segment.
    pub(crate) fn over(&self, segment: SegmentId) -> Option<&str> {
        let mut links = self.links.values();
        let link = links.find(|link| link.via.contains(&segment))?;
        Some(&link.name)
    }

    /// Adds a link under a number that no other has.
    pub(crate) fn add(
        &mut self,
        id: LinkId,
        mut spec: DatagramSpec,
        around: Around<'_>,
    ) -> Result<(), Error> {
        self.batch.get_or_insert_with(Batch::new);
        let sockets = std::mem::take(&mut spec.sockets);
        let mut link = Link::new(spec, &self.pool);
        let name = link.name.clone();
        let first = self.seats.len();
        for socket in sockets {
            let address = socket
                .local_addr()
                .map_or_else(|_| String::new(), |own| own.to_string());
            let index = self.seats.len();
            let seat = Seat::new(socket, id.0).and_then(|mut seat| {
                if link.wants_to_refuse() {
                    seat.refuse()?;
                }
                let token = datagram_token(Source::Seat(index).number());
                seat.socket.watch(around.registry, token)?;
                Ok(seat)
            });
            match seat {
                Ok(seat) => {
                    self.seats.push(Some(seat));
                    link.seats.push(index);
                }
                Err(source) => {
                    self.seats.truncate(first);
                    return Err(failed(name, "set up the socket at", address, source));
                }
            }
        }
        self.links.insert(id.0, link);
        Ok(())
    }

    pub(crate) fn set_provider(
        &mut self,
        id: LinkId,
        provider: Provider,
        around: Around<'_>,
    ) -> Result<(), Error> {
        let link = self.known(id)?;
        link.far = Far::from(provider);
        link.preferred = 0;
        match link.far.clone() {
            Far::Starting => {}
            Far::Ready(addresses) => {
                // Datagrams do not notice that their provider has gone elsewhere: they are led there.
                for key in self.flows.keys(|flow| flow.link == id.0) {
                    if let Some(flow) = self.flows.get_mut(key) {
                        flow.upstream = flow
                            .upstream
                            .take()
                            .filter(|upstream| addresses.contains(&upstream.address));
                    }
                }
                self.release(id.0, around.clock.now());
            }
            Far::Down => {
                let mut dropped = 0;
                for key in self.flows.keys(|flow| flow.link == id.0) {
                    if let Some(flow) = self.flows.get_mut(key) {
                        dropped += flow.parked.drain(..).count() as u64;
                    }
                }
                let link = self.known(id)?;
                link.counts.parked -= dropped;
                link.lanes[UP].counts.undeliverable += dropped;
            }
        }
        self.follow_refusal(id)
    }

    pub(crate) fn set_conditions(
        &mut self,
        id: LinkId,
        conditions: [Conditions; 2],
        around: Around<'_>,
    ) -> Result<(), Error> {
        let now = around.clock.now();
        let link = self.known(id)?;
        for (lane, conditions) in link.lanes.iter_mut().zip(conditions) {
            lane.machine.set_conditions(now, conditions);
        }
        Ok(())
    }

    pub(crate) fn conditions(&mut self, id: LinkId) -> Result<[Conditions; 2], Error> {
        let [up, down] = &self.known(id)?.lanes;
        Ok([up.machine.conditions().clone(), down.machine.conditions().clone()])
    }

    /// Cuts a link, or heals it.
    pub(crate) fn cut(&mut self, id: LinkId, cut: Option<Cut>, around: Around<'_>) -> Result<(), Error> {
        let link = self.known(id)?;
        link.cut = cut;
        link.follow_cut(around.clock.now());
        if cut.is_some_and(|cut| cut.manner != Manner::Hole) {
            for key in self.flows.keys(|flow| flow.link == id.0) {
                self.forget(key, around);
            }
        }
        self.follow_refusal(id)
    }

    pub(crate) fn stats(&mut self, id: LinkId, around: Around<'_>) -> Result<LinkStats, Error> {
        let now = around.clock.now();
        Ok(self.known(id)?.stats(now))
    }

    pub(crate) fn all_stats(&mut self, around: Around<'_>) -> Vec<(LinkId, LinkStats)> {
        let now = around.clock.now();
        let links = self.links.iter_mut();
        links
            .map(|(&number, link)| (LinkId(number), link.stats(now)))
            .collect()
    }

    pub(crate) fn remove(&mut self, id: LinkId, around: Around<'_>) -> Result<(), Error> {
        for key in self.flows.keys(|flow| flow.link == id.0) {
            self.forget(key, around);
        }
        let link = self.links.remove(&id.0).ok_or(Error::NoSuchLink(id))?;
        for index in link.seats {
            self.seats[index] = None;
        }
        Ok(())
    }

    /// Has the seats refuse, or not, as the provider and the cut would have it.
    fn follow_refusal(&mut self, id: LinkId) -> Result<(), Error> {
        let link = self.links.get(&id.0).ok_or(Error::NoSuchLink(id))?;
        let refuse = link.wants_to_refuse();
        for &index in &link.seats {
            let Some(Some(seat)) = self.seats.get_mut(index) else {
                continue;
            };
            let (operation, result) = match refuse {
                true => ("refuse datagrams at", seat.refuse()),
                false => ("take datagrams at", seat.welcome()),
            };
            if let Err(source) = result {
                return Err(failed(
                    link.name.clone(),
                    operation,
                    seat.address.to_string(),
                    source,
                ));
            }
        }
        Ok(())
    }

    fn known(&mut self, id: LinkId) -> Result<&mut Link, Error> {
        self.links.get_mut(&id.0).ok_or(Error::NoSuchLink(id))
    }
}

fn failed(link: String, operation: &'static str, address: String, source: io::Error) -> Error {
    Error::Listener {
        link,
        operation,
        address,
        source,
    }
}
