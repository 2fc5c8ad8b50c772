//! Flows come, are kept while they are used, and go.

use std::net::SocketAddr;
use std::time::Duration;

use super::flow::{Course, Flow, Upstream};
use super::link::Link;
use super::socket::Socket;
use super::{Around, Datagrams, Source};
use crate::connection::UP;
use crate::engine::datagram_token;
use crate::key::Key;
use crate::link::Far;

impl Datagrams {
    /// The flow of a client at a seat, which is a new one if it has none.
    pub(super) fn flow_of(&mut self, seat: usize, client: SocketAddr, around: Around<'_>) -> Option<Key> {
        let now = around.clock.now();
        let (number, known) = {
            let seat = self.seats.get(seat)?.as_ref()?;
            (seat.link, seat.flows.get(&client).copied())
        };
        if let Some(key) = known {
            self.use_flow(key, Course::Lasting, now);
            return Some(key);
        }
        let link = self.links.get(&number)?;
        if link.flows() >= link.limits.flows {
            self.evict(number, None, around);
        }
        let key = self.flows.insert(Flow::new(number, seat, client, now));
        self.seats.get_mut(seat)?.as_mut()?.flows.insert(client, key);
        let link = self.links.get_mut(&number)?;
        self.recency.push(&mut link.brief, key.index);
        link.counts.flows += 1;
        // It is the newest: if nothing is looked for, nothing is due before it.
        link.sweep.get_or_insert(now + link.limits.idle / 2);
        Some(key)
    }

    /// Remembers that something has passed, on a course that a flow never leaves again.
    pub(super) fn use_flow(&mut self, key: Key, course: Course, now: Duration) {
        let Some(flow) = self.flows.get_mut(key) else {
            return;
        };
        flow.used = now;
        let Some(link) = self.links.get_mut(&flow.link) else {
            return;
        };
        match (flow.course, course) {
            (Course::Brief, Course::Brief) => self.recency.touch(&mut link.brief, key.index),
            (Course::Lasting, _) => self.recency.touch(&mut link.lasting, key.index),
            (Course::Brief, Course::Lasting) => {
                flow.course = course;
                self.recency.remove(&mut link.brief, key.index);
                self.recency.push(&mut link.lasting, key.index);
            }
        }
    }

    /// Sees to it that a flow has a socket towards the provider. Whether it has.
    pub(super) fn reach(&mut self, key: Key, around: Around<'_>) -> bool {
        let Some(flow) = self.flows.get_mut(key) else {
            return false;
        };
        if flow.upstream.is_some() {
            return true;
        }
        let number = flow.link;
        let Some(link) = self.links.get_mut(&number) else {
            return false;
        };
        let Far::Ready(addresses) = &link.far else {
            return false;
        };
        let Some(&address) = addresses.get(link.preferred) else {
            return false;
        };
        let mut socket = Socket::towards(address);
        if matches!(&socket, Err(error) if crate::socket::is_exhaustion(error)) {
            // One descriptor can be had: that of the flow that has been quiet for longest.
            self.evict(number, Some(key), around);
            socket = Socket::towards(address);
        }
        let token = datagram_token(Source::Flow(key).number());
        match socket.and_then(|mut socket| socket.watch(around.registry, token).map(|()| socket)) {
            Ok(socket) => {
                if let Some(flow) = self.flows.get_mut(key) {
                    flow.upstream = Some(Upstream { socket, address });
                }
                true
            }
            Err(error) => {
                if let Some(link) = self.links.get_mut(&number) {
                    match crate::socket::is_exhaustion(&error) {
                        true => link.counts.shed += 1,
                        false => link.prefer_next(),
                    }
                }
                false
            }
        }
    }

    /// Nobody is at the address that a flow speaks to, says the kernel. If the provider has another,
    /// that is tried next.
    pub(super) fn on_refusal(&mut self, key: Key, times: u64) {
        let Some(flow) = self.flows.get_mut(key) else {
            return;
        };
        let Some(link) = self.links.get_mut(&flow.link) else {
            return;
        };
        link.counts.refused += times;
        let Far::Ready(addresses) = &link.far else {
            return;
        };
        if addresses.len() > 1 {
            let upstream = flow.upstream.take();
            if upstream.map(|upstream| upstream.address) == addresses.get(link.preferred).copied() {
                link.prefer_next();
            }
        }
    }

    /// Gives up the flow that has been quiet for longest, a brief one if there is one.
    fn evict(&mut self, number: u32, but: Option<Key>, around: Around<'_>) {
        let Some(link) = self.links.get(&number) else {
            return;
        };
        let candidates = [link.brief.oldest(), link.lasting.oldest()];
        let keys = candidates.into_iter().flatten();
        let mut keys = keys.filter_map(|index| self.flows.key_at(index as usize));
        if let Some(key) = keys.find(|&key| Some(key) != but) {
            self.forget(key, around);
            if let Some(link) = self.links.get_mut(&number) {
                link.counts.evicted += 1;
            }
        }
    }

    /// Ends a flow. What it has sent before goes first; what is under way has nowhere to go.
    pub(super) fn forget(&mut self, key: Key, around: Around<'_>) {
        if self.train.way().is_some_and(|(leaving, _)| leaving == key) {
            self.flush(around);
        }
        let Some(flow) = self.flows.remove(key) else {
            return;
        };
        if let Some(Some(seat)) = self.seats.get_mut(flow.seat) {
            seat.flows.remove(&flow.client);
        }
        if let Some(link) = self.links.get_mut(&flow.link) {
            let parked = flow.parked.len() as u64;
            link.counts.parked -= parked;
            link.lanes[UP].counts.undeliverable += parked;
            match flow.course {
                Course::Brief => self.recency.remove(&mut link.brief, key.index),
                Course::Lasting => self.recency.remove(&mut link.lasting, key.index),
            }
        }
    }

    /// Ends flows that have been quiet for too long.
    pub(super) fn sweep(&mut self, around: Around<'_>) {
        let now = around.clock.now();
        let due = |link: &Link| link.sweep.is_some_and(|sweep| sweep <= now);
        let due: Vec<u32> = match self.links.values().any(due) {
            false => return,
            true => self
                .links
                .iter()
                .filter(|(_, link)| due(link))
                .map(|(&number, _)| number)
                .collect(),
        };
        for number in due {
            while let Some((key, _)) = self.stalest(number).filter(|&(_, end)| end <= now) {
                self.forget(key, around);
                if let Some(link) = self.links.get_mut(&number) {
                    link.counts.expired += 1;
                }
            }
            let next = self.stalest(number).map(|(_, end)| end);
            if let Some(link) = self.links.get_mut(&number) {
                link.sweep = next;
            }
        }
    }

    /// The flow of a link that ends next if nothing passes, and when.
    fn stalest(&mut self, number: u32) -> Option<(Key, Duration)> {
        let link = self.links.get(&number)?;
        let idle = link.limits.idle;
        let candidates = [(link.brief.oldest(), idle / 2), (link.lasting.oldest(), idle)];
        let ends = candidates.into_iter().filter_map(|(index, idle)| {
            let key = self.flows.key_at(index? as usize)?;
            Some((key, self.flows.get_mut(key)?.used.saturating_add(idle)))
        });
        ends.min_by_key(|&(_, end)| end)
    }
}

impl Link {
    /// Turns to the provider's next address.
    fn prefer_next(&mut self) {
        if let Far::Ready(addresses) = &self.far {
            self.preferred = (self.preferred + 1) % addresses.len().max(1);
        }
    }
}
