//! Moving what a direction of a connection has to move.

use super::Engine;
use super::lanes::way_is_clear;
use crate::flow::{End, Flushed, Mark};
use crate::key::Key;
use crate::way::{Carried, TURN, Way};

/// After so many bytes a direction is worth being carried by another thread.
const MUCH: u64 = 1 << 20;

impl Engine {
    /// Writes what may be written and reads what may be read, until one of the two has to wait.
    pub(super) fn pump(&mut self, key: Key, direction: usize) {
        let mut left = TURN;
        loop {
            let Some(connection) = self.connections.get_mut(key) else {
                return;
            };
            let number = connection.link;
            let Some(Some(link)) = self.links.get_mut(number as usize) else {
                return;
            };
            let lane = &mut link.lanes[direction];
            if lane.machine.is_cut() {
                return;
            }
            let open = connection.open[direction];
            let Some(mut way) = connection.way(direction) else {
                return;
            };
            let mut written = 0;
            let flushed = way.flush(&mut self.pipes, &mut written);
            if written > 0 {
                lane.meter.add(self.clock.now(), written);
            }
            if flushed == Flushed::Broken {
                // Both ends are gone, and nothing is left to tell to either.
                if way.source.broken {
                    return self.abort(key);
                }
                self.drop_chain(key, direction);
                self.drop_tcp(key, direction);
                return self.pump(key, 1 - direction);
            }
            if way.flow.closing && flushed == Flushed::All && way.flow.under_way == 0 {
                return self.close_in_order(key);
            }
            if way.flow.end == End::Fin && way.source.broken {
                way.flow.end = End::Reset;
                return self.send_end(key, direction, Mark::Reset);
            }
            if way.is_over() {
                return self.close(key);
            }
            let Way { flow, source, .. } = &mut way;
            if flow.end != End::Open || !open || !source.readable {
                return;
            }
            if flow.chain.is_some() {
                if left == 0 {
                    return self.unfinished.push_back((key, direction));
                }
                match self.feed_chain(key, direction) {
                    Some(count) => left = left.saturating_sub(count.max(1)),
                    None => return,
                }
                continue;
            }
            let clear = way_is_clear(lane, &self.segments, &link.via, direction);
            if !(clear && flow.is_out_of_machine()) {
                return self.queue_up(key, direction);
            }
            if flushed == Flushed::Blocked {
                if source.broken {
                    // A reset does not wait for a reader.
                    flow.end = End::Reset;
                    let now = self.clock.now();
                    self.arrive(key, direction, Mark::Reset, now);
                }
                return;
            }
            if left == 0 {
                return self.unfinished.push_back((key, direction));
            }
            if flow.carried >= MUCH && self.hand_over(key) {
                return;
            }
            let Some(mut way) = self.connections.get_mut(key).and_then(|it| it.way(direction)) else {
                return;
            };
            let mut written = 0;
            let carried = way.carry(&mut self.scratch, &mut self.pipes, &mut written);
            if let Some(Some(link)) = self.links.get_mut(number as usize) {
                let lane = &mut link.lanes[direction];
                if written > 0 {
                    lane.meter.add(self.clock.now(), written);
                }
                if let Carried::Bytes(count) = carried {
                    lane.taken += count as u64;
                }
            }
            match carried {
                Carried::Bytes(count) => left = left.saturating_sub(count),
                Carried::Reset => {
                    let now = self.clock.now();
                    return self.arrive(key, direction, Mark::Reset, now);
                }
            }
        }
    }

    /// Sends the end of a stream, through the stages if there are any.
    fn send_end(&mut self, key: Key, direction: usize, mark: Mark) {
        if !self.end_through_chain(key, direction, mark) {
            let now = self.clock.now();
            self.send(key, direction, mark, now);
        }
    }

    /// Writes what has arrived, and does nothing else. What can't be written the pump meets again.
    pub(super) fn write_ready(&mut self, key: Key, direction: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let link = connection.link;
        let mut written = 0;
        if let Some(sink) = &mut connection.sides[1 - direction] {
            let flow = &mut connection.flows[direction];
            flow.flush(sink, &mut self.pipes, &mut written);
        }
        let now = self.clock.now();
        if let Some(lane) = self.lane_mut(link, direction).filter(|_| written > 0) {
            lane.meter.add(now, written);
        }
    }

    /// Writes all that has arrived since the last time.
    pub(super) fn write_delivered(&mut self) {
        let mut delivered = std::mem::take(&mut self.delivered);
        for (key, direction, at) in delivered.drain(..) {
            let Some(link) = self.connections.get_mut(key).map(|connection| connection.link) else {
                continue;
            };
            self.pump(key, direction);
            let late = self.clock.now().saturating_sub(at);
            if let Some(lane) = self.lane_mut(link, direction) {
                lane.lateness.record(late);
            }
        }
        // What has been delivered meanwhile is kept.
        delivered.append(&mut self.delivered);
        self.delivered = delivered;
    }
}
