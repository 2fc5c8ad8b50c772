//! Moving what a direction of a connection has to move.

use super::Engine;
use super::lanes::way_is_clear;
use crate::connection::{Connection, UP};
use crate::flow::{End, Flushed, Mark};
use crate::key::Key;
use crate::side::Taken;

/// How many bytes one direction moves before others have their turn.
const TURN: usize = 1 << 20;

impl Engine {
    /// Writes what may be written and reads what may be read, until one of the two has to wait.
    pub(super) fn pump(&mut self, key: Key, direction: usize) {
        let mut left = TURN;
        loop {
            let Some(connection) = self.connections.get_mut(key) else {
                return;
            };
            let Some(Some(link)) = self.links.get_mut(connection.link as usize) else {
                return;
            };
            let lane = &mut link.lanes[direction];
            if lane.machine.is_cut() {
                return;
            }
            let Connection {
                sides: [client, provider],
                flows,
                open,
                ..
            } = connection;
            let (Some(client), Some(provider)) = (client, provider) else {
                return;
            };
            let (source, sink) = if direction == UP {
                (client, provider)
            } else {
                (provider, client)
            };
            let flow = &mut flows[direction];

            let mut written = 0;
            let flushed = flow.flush(sink, &mut self.pipes, &mut written);
            if written > 0 {
                lane.meter.add(self.clock.now(), written);
            }
            if flushed == Flushed::Broken {
                sink.broken = true;
                sink.readable = true;
                flow.end = End::Reset;
                flow.discard(&mut self.pipes);
                self.drop_chain(key, direction);
                self.drop_tcp(key, direction);
                return self.pump(key, 1 - direction);
            }
            let through = flushed == Flushed::All && flow.under_way == 0;
            if flow.fin_arrived && !flow.fin_done && through {
                flow.fin_done = true;
                sink.finish();
            }
            if flow.closing && through {
                return self.close_in_order(key);
            }
            if flow.end == End::Fin && source.broken {
                flow.end = End::Reset;
                return self.send_end(key, direction, Mark::Reset);
            }
            if flows.iter().all(|flow| flow.fin_done) {
                return self.close(key);
            }
            let flow = &mut flows[direction];
            if flow.end != End::Open || !open[direction] || !source.readable {
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

            let mut written = 0;
            let taken = flow.carry(source, sink, &mut self.scratch, &mut self.pipes, &mut written);
            if written > 0 {
                lane.meter.add(self.clock.now(), written);
            }
            match taken {
                Taken::Bytes(count) => {
                    lane.taken += count as u64;
                    left = left.saturating_sub(count);
                }
                // Round again, to give the pipe back.
                Taken::Nothing => {}
                Taken::Fin => {
                    flow.end = End::Fin;
                    flow.fin_arrived = true;
                }
                Taken::Reset => {
                    flow.end = End::Reset;
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
