//! Doing what is due, at its time.
//!
//! Everything that has a deadline stands in one agenda: the stages of each connection, the machines of
//! links and those of segments. Things are done in the order of their deadlines, and each is told the
//! time at which it should have been done, not the time at which it is. So what a late wake-up makes
//! late is late once, and the order in which parcels of many links come to a segment is that of their
//! times, however they were woken for.

use std::time::Duration;

use super::Engine;
use crate::key::Key;

/// How many things are served that are due, before what has arrived is written.
const TURN: usize = 256;

/// How long things are served that are due, before sockets have their turn.
const TIME: Duration = Duration::from_millis(2);

/// What is due at a time of its own, in the order in which parcels pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// The stages of a connection's direction.
    Chain(Key, usize),
    /// The stream of a connection's direction.
    Tcp(Key, usize),
    /// The machine of a link's direction.
    Lane(u32, usize),
    /// The machine of a segment's direction.
    Stretch(u32, usize),
    /// All links for datagrams.
    Datagrams,
}

impl Engine {
    /// Serves the machines if one of them has something due.
    pub(super) fn serve_if_due(&mut self) {
        if self.agenda.next().is_some_and(|due| due <= self.clock.now()) {
            self.serve();
        }
    }

    /// Lets happen all that is due, each thing at the time at which it was, in the order of these
    /// times; then writes what has arrived, and lets in what waits.
    pub(super) fn serve(&mut self) {
        let begin = self.clock.now();
        loop {
            let now = self.clock.now();
            for _ in 0..TURN {
                let Some((due, work)) = self.agenda.pop(now) else {
                    break;
                };
                self.serve_one(due, work);
            }
            self.write_delivered();
            for (link, direction) in std::mem::take(&mut self.entering) {
                if let Some(lane) = self.lane_mut(link, direction) {
                    lane.entering = false;
                    self.enter(link, direction);
                    self.settle_lane(link, direction);
                }
            }
            if self.agenda.next().is_none_or(|due| due > now) || now > begin + TIME {
                return;
            }
        }
    }

    fn serve_one(&mut self, due: Duration, work: Work) {
        match work {
            Work::Datagrams => {
                self.datagrams_slot.clear();
                self.serve_datagrams();
            }
            Work::Chain(key, direction) => {
                if let Some(connection) = self.connections.get_mut(key)
                    && let Some(chain) = &mut connection.flows[direction].chain
                {
                    chain.slot.clear();
                    self.serve_chain(key, direction, due);
                }
            }
            Work::Tcp(key, direction) => {
                if let Some(connection) = self.connections.get_mut(key)
                    && let Some(tcp) = &mut connection.flows[direction].tcp
                {
                    tcp.slot.clear();
                    self.serve_tcp(key, direction);
                }
            }
            Work::Lane(link, direction) => {
                if let Some(lane) = self.lane_mut(link, direction) {
                    lane.slot.clear();
                    self.serve_lane(link, direction, due);
                }
            }
            Work::Stretch(segment, direction) => {
                if let Some(Some(found)) = self.segments.get_mut(segment as usize) {
                    found.lanes[direction].slot.clear();
                    self.serve_stretch(segment, direction, due);
                }
            }
        }
    }
}
