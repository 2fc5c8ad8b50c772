//! Where TCP is modelled: segments that arrive or do not, and when to ask what is sent again.

use std::time::Duration;

use wharf_link::stream::{Fate, HANDSHAKE_TIMEOUT, Segment};

use super::{Due, Engine, Work};
use crate::connection::UP;
use crate::flow::Mark;
use crate::key::Key;

/// The first wait for an answer to a SYN, doubled each time (RFC 6298, 2.1 and 5.5).
const FIRST_WAIT: Duration = Duration::from_secs(1);

impl Engine {
    /// A segment has come to the far end at `at`, or is lost.
    pub(super) fn segment_arrived(
        &mut self,
        key: Key,
        direction: usize,
        segment: Segment,
        fate: Fate,
        at: Duration,
    ) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(Some(link)) = self.links.get_mut(connection.link as usize) else {
            return;
        };
        let lane = &mut link.lanes[direction];
        let flow = &mut connection.flows[direction];
        match fate {
            Fate::Lost => lane.causes.lost += 1,
            Fate::Marked => lane.causes.marked += 1,
            Fate::Delivered => {}
        }
        let Some(tcp) = &mut flow.tcp else {
            return;
        };
        let readable = tcp.stream.arrived(at, segment, fate, lane.take_back());
        let readable = usize::try_from(readable).unwrap_or(usize::MAX);
        flow.under_way = flow.under_way.saturating_sub(readable);
        if readable > 0 {
            self.note_delivered(key, direction, at);
        }
        self.settle_tcp(key, direction);
    }

    /// A stream wants to be asked what it sends.
    pub(super) fn serve_tcp(&mut self, key: Key, direction: usize) {
        self.queue_up(key, direction);
    }

    /// Notes when a stream wants to be asked, and lets go of one that has nothing to do any more.
    pub(super) fn settle_tcp(&mut self, key: Key, direction: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let flow = &mut connection.flows[direction];
        let Some(tcp) = &mut flow.tcp else {
            return;
        };
        let modelled = match self.links.get(connection.link as usize) {
            Some(Some(link)) => link.lanes[direction].modelled,
            _ => false,
        };
        let over = !modelled && flow.parcels == 0 && tcp.stream.is_idle();
        let next = tcp.stream.next_wakeup().filter(|_| !over);
        let work = Work::Tcp(key, direction);
        self.agenda.put(work, &mut tcp.slot, next);
        if over {
            flow.tcp = None;
            self.unfinished.push_back((key, direction));
        }
    }

    /// Takes a connection's stream away.
    pub(super) fn drop_tcp(&mut self, key: Key, direction: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if let Some(mut tcp) = connection.flows[direction].tcp.take() {
            let work = Work::Tcp(key, direction);
            self.agenda.put(work, &mut tcp.slot, None);
        }
    }

    /// A SYN or its answer is lost: the client sends the next when its timer has run out, and gives up
    /// after the last.
    pub(super) fn handshake_lost(&mut self, key: Key, direction: usize, mark: Mark) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(Some(link)) = self.links.get_mut(connection.link as usize) else {
            return;
        };
        link.lanes[direction].causes.lost_handshakes += 1;
        connection.unanswered += 1;
        let wait = FIRST_WAIT.saturating_mul((1u32 << connection.unanswered.min(20)) - 1);
        if wait >= HANDSHAKE_TIMEOUT {
            let due = connection.called.saturating_add(HANDSHAKE_TIMEOUT);
            return self.timers.set(due, Due::Unanswered(key));
        }
        let mut due = connection.called.saturating_add(wait);
        if mark == Mark::SynAck {
            // The SYN that asks for it has a way to go first.
            due = due.saturating_add(link.lanes[UP].figures.latency());
        }
        self.timers.set(due, Due::Handshake(key, direction, mark, due));
    }
}
