//! What other threads ask: links come, change, are cut, healed and removed.

use mio::{Interest, Token};
use wharf_link::Conditions;

use super::{Engine, OF_LISTENER, Work};
use crate::connection::{DOWN, UP};
use crate::error::Error;
use crate::link::{Far, Link};
use crate::listener::Listener;
use crate::spec::{Cut, LinkId, LinkSpec, Manner, Provider};
use crate::stats::LinkStats;

impl Engine {
    pub(crate) fn add(&mut self, spec: LinkSpec) -> Result<LinkId, Error> {
        let number = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
        if let Some(&unknown) = spec.via.iter().find(|&&id| self.segment(id).is_none()) {
            return Err(Error::NoSuchSegment(unknown));
        }
        let far = Far::from(spec.provider);
        let up = spec.up.clone();
        let conditions = [spec.up, spec.down];
        let mut link = Link::new(spec.name, far, spec.park, conditions, spec.via, spec.seed);
        for socket in spec.listeners {
            let listener = Listener::new(socket, number)
                .map_err(|source| failed(&link, "set up the listener of", None, source))?;
            listener.bound_buffers(&up, &Conditions::CLEAR);
            let index = self.listeners.len();
            self.listeners.push(Some(listener));
            link.listeners.push(index);
        }
        let listeners = link.listeners.clone();
        self.links.push(Some(link));
        self.measure(number);
        let result = self
            .follow_listening(number)
            .and_then(|()| self.watch(number, &listeners));
        match result {
            Ok(()) => Ok(LinkId(number)),
            Err(error) => {
                let _ = self.remove(LinkId(number));
                Err(error)
            }
        }
    }

    /// Has the event loop watch the listeners.
    fn watch(&mut self, number: u32, listeners: &[usize]) -> Result<(), Error> {
        for &index in listeners {
            let Some(Some(listener)) = self.listeners.get_mut(index) else {
                continue;
            };
            let token = Token(index << 2 | OF_LISTENER);
            // What came before is told at once.
            let result = self
                .poll
                .registry()
                .register(&mut listener.socket, token, Interest::READABLE);
            if let (Err(source), Some(Some(link))) = (result, self.links.get(number as usize)) {
                return Err(failed(link, "watch", Some(listener), source));
            }
        }
        Ok(())
    }

    pub(crate) fn set_provider(&mut self, id: LinkId, provider: Provider) -> Result<(), Error> {
        if let Some((datagrams, around)) = self.datagrams_of(id) {
            return datagrams.set_provider(id, provider, around);
        }
        let link = self.known(id)?;
        link.far = Far::from(provider);
        let down = matches!(link.far, Far::Down);
        self.follow_listening(id.0)?;
        if down {
            for key in self.parked(id.0) {
                if let Some(link) = self.link_mut(id.0) {
                    link.counts.refused += 1;
                }
                self.abort(key);
            }
        }
        self.resume(id.0);
        Ok(())
    }

    pub(crate) fn set_conditions(&mut self, id: LinkId, conditions: [Conditions; 2]) -> Result<(), Error> {
        if let Some((datagrams, around)) = self.datagrams_of(id) {
            return datagrams.set_conditions(id, conditions, around);
        }
        self.call_home(id.0);
        let now = self.clock.now();
        let link = self.known(id)?;
        let before = link.lanes[UP].conditions.clone();
        let up = conditions[UP].clone();
        for (lane, conditions) in link.lanes.iter_mut().zip(conditions) {
            lane.set_conditions(now, conditions);
        }
        for index in link.listeners.clone() {
            if let Some(Some(listener)) = self.listeners.get(index) {
                listener.bound_buffers(&up, &before);
            }
        }
        self.measure(id.0);
        self.replan(id.0);
        self.stir(id.0);
        Ok(())
    }

    pub(crate) fn cut(&mut self, id: LinkId, cut: Cut) -> Result<(), Error> {
        if let Some((datagrams, around)) = self.datagrams_of(id) {
            return datagrams.cut(id, Some(cut), around);
        }
        self.call_home(id.0);
        let now = self.clock.now();
        let link = self.known(id)?;
        link.cut = Some(cut);
        for direction in [UP, DOWN] {
            let machine = &mut link.lanes[direction].machine;
            if Link::holes(cut).contains(&direction) {
                machine.cut(now);
            } else {
                machine.heal(now);
            }
        }
        if cut.manner != Manner::Hole {
            for key in self.keys_of(id.0) {
                self.abort(key);
            }
        }
        self.follow_listening(id.0)?;
        // A cut of one direction may have healed the other.
        self.stir(id.0);
        Ok(())
    }

    pub(crate) fn heal(&mut self, id: LinkId) -> Result<(), Error> {
        if let Some((datagrams, around)) = self.datagrams_of(id) {
            return datagrams.cut(id, None, around);
        }
        let now = self.clock.now();
        let link = self.known(id)?;
        link.cut = None;
        for lane in &mut link.lanes {
            lane.machine.heal(now);
        }
        self.follow_listening(id.0)?;
        self.accepting = true;
        self.resume(id.0);
        self.stir(id.0);
        Ok(())
    }

    pub(crate) fn conditions(&mut self, id: LinkId) -> Result<[Conditions; 2], Error> {
        if let Some((datagrams, _)) = self.datagrams_of(id) {
            return datagrams.conditions(id);
        }
        let [up, down] = &self.known(id)?.lanes;
        Ok([up.conditions.clone(), down.conditions.clone()])
    }

    pub(crate) fn stats(&mut self, id: LinkId) -> Result<LinkStats, Error> {
        if let Some((datagrams, around)) = self.datagrams_of(id) {
            return datagrams.stats(id, around);
        }
        let now = self.clock.now();
        Ok(self.known(id)?.stats(now))
    }

    pub(crate) fn all_stats(&mut self) -> Vec<(LinkId, LinkStats)> {
        let now = self.clock.now();
        let connections = (0u32..)
            .zip(&mut self.links)
            .filter_map(|(number, link)| Some((LinkId(number), link.as_mut()?.stats(now))));
        let mut all: Vec<_> = connections.collect();
        let (datagrams, around) = self.datagrams();
        all.extend(datagrams.all_stats(around));
        all.sort_by_key(|&(id, _)| id);
        all
    }

    pub(crate) fn remove(&mut self, id: LinkId) -> Result<(), Error> {
        if let Some((datagrams, around)) = self.datagrams_of(id) {
            datagrams.remove(id, around)?;
            self.taps.forget(id.0);
            return Ok(());
        }
        self.known(id)?;
        self.call_home(id.0);
        for key in self.keys_of(id.0) {
            self.abort(key);
        }
        self.taps.forget(id.0);
        let Some(mut link) = self.links.get_mut(id.0 as usize).and_then(Option::take) else {
            return Ok(());
        };
        for (direction, lane) in link.lanes.iter_mut().enumerate() {
            let work = Work::Lane(id.0, direction);
            self.agenda.put(work, &mut lane.slot, None);
        }
        for index in link.listeners {
            self.listeners[index] = None;
        }
        Ok(())
    }

    /// Makes the listeners listen, or not, as the provider and the cut would have it.
    fn follow_listening(&mut self, number: u32) -> Result<(), Error> {
        let Some(Some(link)) = self.links.get_mut(number as usize) else {
            return Ok(());
        };
        let listen = link.wants_to_listen();
        for &index in &link.listeners {
            let Some(Some(listener)) = self.listeners.get_mut(index) else {
                continue;
            };
            let (operation, result) = if listen {
                ("listen on", listener.open())
            } else {
                ("stop listening on", listener.close())
            };
            result.map_err(|source| failed(link, operation, Some(listener), source))?;
            listener.pending = true;
        }
        link.listening = listen;
        self.accepting = true;
        Ok(())
    }

    fn parked(&self, number: u32) -> Vec<crate::key::Key> {
        self.connections
            .keys(|connection| connection.link == number && connection.is_parked())
    }

    /// Carries what is parked, if it can be carried now.
    fn resume(&mut self, number: u32) {
        let Some(link) = self.link_mut(number) else {
            return;
        };
        if link.is_hole() || !matches!(link.far, Far::Ready(_)) {
            return;
        }
        for key in self.parked(number) {
            if let Some(link) = self.link_mut(number) {
                link.parked -= 1;
                link.counts.connections += 1;
            }
            self.call(key);
        }
    }

    /// Has every connection of a link see what it can do now.
    pub(super) fn stir(&mut self, number: u32) {
        let now = self.clock.now();
        for key in self.keys_of(number) {
            for direction in [UP, DOWN] {
                let held = self
                    .connections
                    .get_mut(key)
                    .map(|connection| &mut connection.flows[direction])
                    .filter(|flow| flow.unoffered == 0)
                    .and_then(|flow| flow.held.take());
                if let Some(mark) = held {
                    self.send(key, direction, mark, now);
                }
                self.unfinished.push_back((key, direction));
            }
        }
        for direction in [UP, DOWN] {
            self.settle_lane(number, direction);
        }
    }

    pub(super) fn known(&mut self, id: LinkId) -> Result<&mut Link, Error> {
        self.link_mut(id.0).ok_or(Error::NoSuchLink(id))
    }
}

fn failed(
    link: &Link,
    operation: &'static str,
    listener: Option<&mut Listener>,
    source: std::io::Error,
) -> Error {
    Error::Listener {
        link: link.name.clone(),
        operation,
        address: listener.map_or_else(String::new, |listener| listener.address.to_string()),
        source,
    }
}
