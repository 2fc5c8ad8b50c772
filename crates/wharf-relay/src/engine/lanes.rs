//! The machines: what enters them, in turns, and what comes out, on time.

use std::time::Duration;

use wharf_link::Offer;

use super::Engine;
use crate::connection::{DOWN, UP};
use crate::flow::{Content, End, Flow, Mark, Parcel, Taken};
use crate::key::Key;
use crate::link::Lane;

/// How many parcels one direction of a link delivers, and how many turns it gives, before others
/// have theirs.
const TURN: usize = 1024;

/// How much a connection enters at once while it is alone.
const ALONE: usize = 64 * 1024;

impl Engine {
    /// Serves the machines if one of them has something due.
    pub(super) fn serve_if_due(&mut self) {
        if self.next_due.is_some_and(|due| due <= self.clock.now()) {
            self.serve();
        }
    }

    /// Delivers all that is due, lets in what waits, and says when there is more to do.
    pub(super) fn serve(&mut self) {
        self.next_due = None;
        for link in 0..self.links.len() {
            for direction in [UP, DOWN] {
                let busy = matches!(&self.links[link], Some(link)
                    if !(link.lanes[direction].machine.is_empty()
                        && link.lanes[direction].round.is_empty()));
                if !busy {
                    continue;
                }
                self.deliver(link, direction);
                self.enter(link, direction);
                let next = self.links[link]
                    .as_ref()
                    .and_then(|link| link.lanes[direction].next());
                self.next_due = self.next_due.into_iter().chain(next).min();
            }
        }
        self.serve_datagrams();
    }

    /// Takes out of a machine what has arrived.
    fn deliver(&mut self, link: usize, direction: usize) {
        let now = self.clock.now();
        let mut marks = Vec::new();
        for _ in 0..TURN {
            let Some(Some(lane)) = self
                .links
                .get_mut(link)
                .map(|link| link.as_mut().map(|link| &mut link.lanes[direction]))
            else {
                break;
            };
            let Some(delivery) = lane.machine.poll(now) else {
                break;
            };
            let Parcel {
                connection: key,
                content,
            } = delivery.packet;
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            let flow = &mut connection.flows[direction];
            flow.parcels = flow.parcels.saturating_sub(1);
            match content {
                Content::Bytes(count) => {
                    // Less when the connection has discarded its bytes meanwhile.
                    flow.under_way = flow.under_way.saturating_sub(count as usize);
                    if self.delivered.last() != Some(&(key, direction)) {
                        self.delivered.push((key, direction));
                    }
                }
                Content::Mark(mark) => marks.push((key, mark)),
            }
        }
        // Marks come behind the bytes before them. Bytes behind a mark of the same connection do not
        // exist, or (behind an ACK) go the same way.
        let mut delivered = std::mem::take(&mut self.delivered);
        for (key, direction) in delivered.drain(..) {
            self.pump(key, direction);
        }
        self.delivered = delivered;
        for (key, mark) in marks {
            self.arrive(key, direction, mark);
        }
    }

    /// Puts a direction into the round of those that want to enter bytes.
    pub(super) fn queue_up(&mut self, key: Key, direction: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let flow = &mut connection.flows[direction];
        if flow.waiting {
            return;
        }
        flow.waiting = true;
        flow.deficit = 0;
        let number = connection.link as usize;
        let Some(Some(link)) = self.links.get_mut(number) else {
            return;
        };
        link.lanes[direction].round.push_back(key);
        self.enter(number, direction);
        self.note_due(number, direction);
    }

    /// Gives turns to those that wait, while there is room.
    fn enter(&mut self, link: usize, direction: usize) {
        for _ in 0..TURN {
            let now = self.clock.now();
            let Some(Some(link)) = self.links.get_mut(link) else {
                return;
            };
            let lane = &mut link.lanes[direction];
            if !lane.has_room() {
                return;
            }
            let Some(key) = lane.round.pop_front() else {
                return;
            };
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            let alone = lane.round.is_empty();
            let flow = &mut connection.flows[direction];
            let Some(source) = &mut connection.sides[direction] else {
                continue;
            };
            let turn = Turn {
                lane,
                flow,
                key,
                now,
                alone,
            };
            match turn.take(source, &mut self.scratch) {
                Outcome::Again => lane.round.push_back(key),
                Outcome::Over => flow.waiting = false,
                Outcome::Mark(mark) => {
                    flow.waiting = false;
                    flow.end = match mark {
                        Mark::Fin => End::Fin,
                        _ => End::Reset,
                    };
                    self.send(key, direction, mark);
                }
            }
        }
    }

    /// Remembers that a machine may have something due earlier than was known.
    pub(super) fn note_due(&mut self, link: usize, direction: usize) {
        let Some(Some(link)) = self.links.get(link) else {
            return;
        };
        let next = link.lanes[direction].next();
        self.next_due = self.next_due.into_iter().chain(next).min();
    }
}

/// One connection's turn to enter bytes.
struct Turn<'a> {
    lane: &'a mut Lane,
    flow: &'a mut Flow,
    key: Key,
    now: Duration,
    alone: bool,
}

enum Outcome {
    /// It has more, and goes to the end of the round.
    Again,
    /// It has no more for now, or no credit.
    Over,
    /// Its source has ended.
    Mark(Mark),
}

impl Turn<'_> {
    fn take(self, source: &mut crate::flow::Side, scratch: &mut [u8]) -> Outcome {
        let Self {
            lane,
            flow,
            key,
            now,
            alone,
        } = self;
        let segment = lane.segment();
        offer(lane, flow, key, now, segment);
        if flow.unoffered > 0 {
            return Outcome::Again;
        }
        if flow.end != End::Open || !source.readable {
            flow.deficit = 0;
            return Outcome::Over;
        }
        let credit = lane.window().saturating_sub(flow.bytes.len());
        if credit == 0 {
            flow.deficit = 0;
            // A reset does not wait for a reader.
            return match source.broken {
                true => Outcome::Mark(Mark::Reset),
                false => Outcome::Over,
            };
        }
        let share = flow.deficit + segment;
        let share = if alone { share.max(ALONE) } else { share };
        let room = lane.machine.room();
        let most = share.min(credit).min(room).min(scratch.len());
        if most == 0 {
            // What was left over from the last turn took the room.
            return Outcome::Again;
        }
        flow.deficit += segment;
        match source.read(&mut scratch[..most]) {
            Taken::Bytes(count) => {
                flow.bytes.push(&scratch[..count]);
                flow.under_way += count;
                flow.unoffered += count;
                flow.deficit = flow.deficit.saturating_sub(count);
                offer(lane, flow, key, now, segment);
                match source.readable || flow.unoffered > 0 {
                    true => Outcome::Again,
                    false => Outcome::Over,
                }
            }
            Taken::Nothing => Outcome::Over,
            Taken::Fin => Outcome::Mark(Mark::Fin),
            Taken::Reset => Outcome::Mark(Mark::Reset),
        }
    }
}

/// Offers what has been read, in parcels, as far as the machine takes them.
fn offer(lane: &mut Lane, flow: &mut Flow, key: Key, now: Duration, segment: usize) {
    while flow.unoffered > 0 {
        let count = flow.unoffered.min(segment);
        let parcel = Parcel {
            connection: key,
            content: Content::Bytes(u32::try_from(count).unwrap_or(u32::MAX)),
        };
        let Offer::Accepted = lane.machine.offer(now, parcel) else {
            return;
        };
        flow.unoffered -= count;
        flow.parcels += 1;
    }
}
