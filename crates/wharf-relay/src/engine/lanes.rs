//! The machines of links: what enters them, in turns, and what comes out, on time.

use std::time::Duration;

use wharf_link::Delivery;
use wharf_link::stream::{Fate, Handshake};

use super::turns::{Outcome, Turn, offer};
use super::{Engine, Work};
use crate::flow::{Content, End, Mark, Parcel};
use crate::key::Key;
use crate::link::Lane;
use crate::segment::Segment;
use crate::spec::SegmentId;

/// How many parcels one direction of a link delivers, and how many turns it gives, before others
/// have theirs.
const TURN: usize = 1024;

impl Engine {
    /// Delivers what has come out of a link's machine by `at`.
    pub(super) fn serve_lane(&mut self, link: u32, direction: usize, at: Duration) {
        for _ in 0..TURN {
            let Some(lane) = self.lane_mut(link, direction) else {
                return;
            };
            let Some(delivery) = lane.machine.poll(at) else {
                break;
            };
            self.pass_on(delivery, direction);
        }
        self.settle_lane(link, direction);
    }

    /// A parcel has come out of a machine: it goes to the next, or has arrived, or is lost.
    pub(super) fn pass_on(&mut self, delivery: Delivery<Parcel>, direction: usize) {
        let (mut parcel, at) = (delivery.packet, delivery.ideal_time);
        let key = parcel.connection;
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(Some(link)) = self.links.get_mut(connection.link as usize) else {
            return;
        };
        parcel.marked |= delivery.ce;
        let number = connection.number;
        let flow = &mut connection.flows[direction];
        let may_be_lost = matches!(parcel.content, Content::Segment(_) | Content::Handshake(_));
        let share = link.lanes[direction].loss_share;
        let lost = delivery.lost && may_be_lost && link.chance(direction, number).meets_loss(share);
        if !lost && let Some(segment) = link.hop(direction, parcel.hop) {
            parcel.hop += 1;
            return self.enter_segment(segment, direction, parcel, at);
        }
        flow.parcels = flow.parcels.saturating_sub(1);
        match parcel.content {
            Content::Bytes(count) => {
                // Less when the connection has discarded its bytes meanwhile.
                flow.under_way = flow.under_way.saturating_sub(count as usize);
                self.note_delivered(key, direction, at);
            }
            Content::Segment(segment) => {
                let fate = match (lost, parcel.marked) {
                    (true, _) => Fate::Lost,
                    (false, true) => Fate::Marked,
                    (false, false) => Fate::Delivered,
                };
                self.segment_arrived(key, direction, segment, fate, at);
            }
            Content::Handshake(mark) if lost => self.handshake_lost(key, direction, mark),
            Content::Mark(mark) | Content::Handshake(mark) => self.arrive(key, direction, mark, at),
        }
    }

    /// Bytes have arrived, and are to be written.
    pub(super) fn note_delivered(&mut self, key: Key, direction: usize, at: Duration) {
        // All that has arrived by now is written at once; the first of it has waited longest.
        let last = self.delivered.last();
        if last.is_none_or(|&(last, way, _)| (last, way) != (key, direction)) {
            self.delivered.push((key, direction, at));
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
        let number = connection.link;
        let Some(lane) = self.lane_mut(number, direction) else {
            return;
        };
        lane.round.push_back(key);
        self.enter(number, direction);
        self.settle_lane(number, direction);
    }

    /// Gives turns to those that wait, while there is room.
    pub(super) fn enter(&mut self, number: u32, direction: usize) {
        for _ in 0..TURN {
            let now = self.clock.now();
            let Some(Some(link)) = self.links.get_mut(number as usize) else {
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
                flow.waiting = false;
                continue;
            };
            let turn = Turn {
                clear: way_is_clear(lane, &self.segments, &link.via, direction),
                lane,
                flow,
                key,
                now,
                alone,
                handshake: Handshake {
                    delay: Duration::ZERO,
                    unanswered: connection.unanswered,
                },
            };
            match turn.take(source, &mut self.scratch) {
                Outcome::Again => lane.round.push_back(key),
                Outcome::Over => flow.waiting = false,
                Outcome::Pump => {
                    flow.waiting = false;
                    self.unfinished.push_back((key, direction));
                }
                Outcome::Mark(mark) => {
                    flow.waiting = false;
                    match mark {
                        Mark::Fin => flow.end = End::Fin,
                        Mark::Reset => flow.end = End::Reset,
                        // What the source has meanwhile comes next.
                        _ => self.unfinished.push_back((key, direction)),
                    }
                    self.send(key, direction, mark, now);
                }
            }
            self.settle_tcp(key, direction);
        }
    }

    /// Enters what has come out of a connection's stages at `at`.
    pub(super) fn enter_bytes(&mut self, key: Key, direction: usize, count: usize, at: Duration) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let number = connection.link;
        let Some(Some(link)) = self.links.get_mut(number as usize) else {
            return;
        };
        let flow = &mut connection.flows[direction];
        let lane = &mut link.lanes[direction];
        if way_is_clear(lane, &self.segments, &link.via, direction) && flow.is_out_of_machine() {
            flow.under_way = flow.under_way.saturating_sub(count);
            return self.note_delivered(key, direction, at);
        }
        flow.unoffered += count;
        if lane.modelled || flow.tcp.is_some() {
            return self.queue_up(key, direction);
        }
        if flow.waiting {
            return;
        }
        // Beyond so many parcels, what comes in small ones goes on in large ones.
        if lane.round.is_empty() && (flow.parcels as usize) < lane.figures.parcels() {
            offer(lane, flow, key, at);
        }
        if flow.unoffered > 0 {
            flow.waiting = true;
            flow.deficit = 0;
            lane.round.push_back(key);
        }
        self.settle_lane(number, direction);
    }

    /// Notes when a link's machine has something to do next, after whatever has happened to it.
    pub(super) fn settle_lane(&mut self, number: u32, direction: usize) {
        let Some(Some(link)) = self.links.get_mut(number as usize) else {
            return;
        };
        let lane = &mut link.lanes[direction];
        if !lane.entering && !lane.round.is_empty() && lane.has_room() {
            lane.entering = true;
            self.entering.push((number, direction));
        }
        let next = lane.next();
        let work = Work::Lane(number, direction);
        self.agenda.put(work, &mut lane.slot, next);
    }

    pub(super) fn lane_mut(&mut self, link: u32, direction: usize) -> Option<&mut Lane> {
        self.link_mut(link).map(|link| &mut link.lanes[direction])
    }
}

/// Whether what enters comes out at once.
pub(super) fn way_is_clear(
    lane: &Lane,
    segments: &[Option<Segment>],
    via: &[SegmentId],
    direction: usize,
) -> bool {
    lane.machine.conditions().is_clear()
        && !lane.modelled
        && !lane.machine.is_cut()
        && via.iter().all(|id| {
            let segment = segments.get(id.0 as usize).and_then(Option::as_ref);
            segment.is_none_or(|segment| segment.lanes[direction].is_clear())
        })
}
