//! What connections pass on their own.

use std::time::Duration;

use wharf_link::Probability;

use super::{Engine, Work};
use crate::chain::{Chain, Event};
use crate::connection::{DOWN, UP};
use crate::error::Error;
use crate::flow::{Content, End, Mark};
use crate::key::Key;
use crate::link::Link;
use crate::side::Taken;
use crate::spec::LinkId;
use crate::stage::Stage;

/// How much is read at once.
const READ: usize = 64 * 1024;

impl Engine {
    pub(crate) fn set_stages(&mut self, id: LinkId, stages: [Vec<Stage>; 2]) -> Result<(), Error> {
        self.call_home(id.0);
        self.known(id)?.stages = stages;
        self.replan(id.0);
        Ok(())
    }

    pub(crate) fn set_loss_share(&mut self, id: LinkId, shares: [Probability; 2]) -> Result<(), Error> {
        let link = self.known(id)?;
        for (lane, share) in link.lanes.iter_mut().zip(shares) {
            lane.loss_share = share;
        }
        Ok(())
    }

    /// Has every connection of a link pass what it is to pass now.
    pub(super) fn replan(&mut self, number: u32) {
        if !self.link_mut(number).is_some_and(Link::replan) {
            return;
        }
        for key in self.keys_of(number) {
            for direction in [UP, DOWN] {
                self.change_stages(key, direction);
            }
        }
    }

    /// Gives a connection that is about to be made its stages.
    pub(super) fn begin_stages(&mut self, key: Key) {
        for direction in [UP, DOWN] {
            self.change_stages(key, direction);
        }
    }

    fn change_stages(&mut self, key: Key, direction: usize) {
        let now = self.clock.now();
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(Some(link)) = self.links.get_mut(connection.link as usize) else {
            return;
        };
        let flow = &mut connection.flows[direction];
        // One that is parked gets them when it is carried.
        if connection.progress.is_parked() || flow.chain.is_none() && link.plans[direction].is_empty() {
            return;
        }
        let chance = link.chance(direction, connection.number);
        let chain = flow.chain.get_or_insert_with(Chain::empty);
        let mut events = std::mem::take(&mut self.events);
        chain.set(now, &link.plans[direction], &chance, &mut events);
        self.events = events;
        self.follow_chain(key, direction);
        self.unfinished.push_back((key, direction));
    }

    /// Does what was due in a connection's stages.
    pub(super) fn serve_chain(&mut self, key: Key, direction: usize, at: Duration) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if let Some(chain) = &mut connection.flows[direction].chain {
            chain.run(at, &mut self.events);
        }
        self.follow_chain(key, direction);
        // What was swallowed has made room to read.
        self.note_delivered(key, direction, at);
    }

    /// Reads once what the credit allows, and sends it through the stages. How many bytes came, or
    /// `None` where there is nothing to go on with.
    pub(super) fn feed_chain(&mut self, key: Key, direction: usize) -> Option<usize> {
        let now = self.clock.now();
        let connection = self.connections.get_mut(key)?;
        let link = self.links.get_mut(connection.link as usize)?.as_mut()?;
        let flow = &mut connection.flows[direction];
        let source = connection.sides[direction].as_mut()?;
        let chain = flow.chain.as_ref()?;
        let figures = chain.figures().and(link.lanes[direction].figures);
        let full = chain.len() + flow.parcels as usize >= figures.parcels();
        let credit = figures.window().saturating_sub(flow.bytes.len());
        let mut mark = None;
        let mut count = 0;
        if full || credit == 0 {
            // A reset does not wait for a reader.
            if !source.broken {
                return None;
            }
            mark = Some(Mark::Reset);
        } else {
            match flow.take_in(source, READ.min(credit), &mut self.scratch) {
                Taken::Bytes(read) => count = read,
                Taken::Nothing => return None,
                Taken::Fin => mark = Some(Mark::Fin),
                Taken::Reset => mark = Some(Mark::Reset),
            }
        }
        link.lanes[direction].taken += count as u64;
        let parcel = figures.parcel();
        let chain = flow.chain.as_mut()?;
        let mut left = count;
        while left > 0 {
            let part = left.min(parcel);
            chain.offer(now, Content::of_bytes(part), &mut self.events);
            left -= part;
        }
        if let Some(mark) = mark {
            flow.end = if mark == Mark::Fin { End::Fin } else { End::Reset };
            chain.offer(now, Content::Mark(mark), &mut self.events);
        }
        self.follow_chain(key, direction);
        Some(count)
    }

    /// Sends an end through the stages, if there are any. Whether there are.
    pub(super) fn end_through_chain(&mut self, key: Key, direction: usize, mark: Mark) -> bool {
        let now = self.clock.now();
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        let Some(chain) = &mut connection.flows[direction].chain else {
            return false;
        };
        chain.offer(now, Content::Mark(mark), &mut self.events);
        self.follow_chain(key, direction);
        true
    }

    /// Carries out what has come of a chain's work, and notes when there is more.
    fn follow_chain(&mut self, key: Key, direction: usize) {
        let mut events = std::mem::take(&mut self.events);
        let mut slices = false;
        if let Some(connection) = self.connections.get_mut(key) {
            let flow = &mut connection.flows[direction];
            let chain = flow.chain.as_ref();
            slices = chain.is_some_and(|chain| chain.slices());
            if flow.end == End::Open && chain.is_some_and(|chain| chain.is_over()) {
                flow.end = End::Over;
            }
        }
        for event in events.drain(..) {
            match event {
                Event::Out(at, Content::Mark(mark)) => self.enter_mark(key, direction, mark, at),
                Event::Out(at, content) => {
                    self.enter_bytes(key, direction, content.bytes(), at);
                    if slices {
                        self.write_ready(key, direction);
                    }
                }
                Event::Swallowed { count, behind } => {
                    if let Some(connection) = self.connections.get_mut(key) {
                        connection.flows[direction].swallow(count, behind);
                        let link = connection.link;
                        if let Some(lane) = self.lane_mut(link, direction) {
                            lane.causes.swallowed += count as u64;
                        }
                    }
                }
            }
        }
        self.events = events;
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let flow = &mut connection.flows[direction];
        let Some(chain) = &mut flow.chain else {
            return;
        };
        let next = chain.next();
        let work = Work::Chain(key, direction);
        self.agenda.put(work, &mut chain.slot, next);
        if chain.is_empty() {
            flow.chain = None;
        }
    }

    /// A mark has come out of the stages. It goes behind the bytes before it.
    fn enter_mark(&mut self, key: Key, direction: usize, mark: Mark, at: Duration) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let flow = &mut connection.flows[direction];
        let by_stage = flow.end == End::Over;
        if let Some(Some(link)) = self.links.get_mut(connection.link as usize) {
            let causes = &mut link.lanes[direction].causes;
            causes.resets += u64::from(by_stage && mark == Mark::Reset);
            causes.closes += u64::from(by_stage && mark == Mark::Close);
        }
        if flow.unoffered > 0 {
            flow.held = Some(mark);
        } else {
            self.send(key, direction, mark, at);
        }
    }

    /// Takes a connection's stages away, with what is in them.
    pub(super) fn drop_chain(&mut self, key: Key, direction: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if let Some(mut chain) = connection.flows[direction].chain.take() {
            let work = Work::Chain(key, direction);
            self.agenda.put(work, &mut chain.slot, None);
        }
    }
}
