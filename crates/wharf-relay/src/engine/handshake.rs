//! Making a connection, and the marks that travel beside its bytes.
//!
//! ```text
//!  client        relay: up ▶            ◀ relay: down        provider
//!  connect ────▶ SYN ─────────────▶ dial ───────────────────▶ accept
//!                 ┌──────────────── SYN-ACK ◀──────────────── connected
//!  may be read ◀──┘
//!                ACK ─────────────▶ provider may be read
//! ```

use std::io::ErrorKind;
use std::time::Duration;

use mio::Token;
use mio::event::Event;
use wharf_link::Offer;

use super::lanes::way_is_clear;
use super::{Due, Engine, OF_PROVIDER};
use crate::connection::{DIAL_TIME, DOWN, Dial, INTEREST, Progress, UP};
use crate::flow::{Content, End, Mark, Parcel};
use crate::key::Key;
use crate::link::Far;
use crate::side::Side;
use crate::socket;

impl Engine {
    /// Begins the handshake of a connection that has been accepted.
    pub(super) fn call(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let now = self.clock.now();
        connection.progress = Progress::Calling;
        connection.called = now;
        self.begin_stages(key);
        self.send(key, UP, Mark::Syn, now);
    }

    /// Sends a mark over the link at `at`, behind what is under way there.
    pub(super) fn send(&mut self, key: Key, direction: usize, mark: Mark, at: Duration) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let number = connection.link;
        let Some(Some(link)) = self.links.get_mut(number as usize) else {
            return;
        };
        let lane = &mut link.lanes[direction];
        let flow = &mut connection.flows[direction];
        if way_is_clear(lane, &self.segments, &link.via, direction) && flow.is_out_of_machine() {
            return self.arrive(key, direction, mark, at);
        }
        let parcel = Parcel {
            connection: key,
            content: match mark {
                Mark::Syn | Mark::SynAck if lane.modelled => Content::Handshake(mark),
                _ => Content::Mark(mark),
            },
            hop: 1,
            marked: false,
        };
        match lane.machine.offer(at, parcel) {
            Offer::Accepted => {
                flow.parcels += 1;
                self.settle_lane(number, direction);
            }
            // A mark takes no room: only a link that is cut or off refuses it. It goes when there is
            // room again.
            _ => {
                flow.held = Some(mark);
                if !flow.waiting {
                    flow.waiting = true;
                    lane.round.push_back(key);
                }
                self.settle_lane(number, direction);
            }
        }
    }

    /// A mark has come out at the far side, where it should have at `at`.
    pub(super) fn arrive(&mut self, key: Key, direction: usize, mark: Mark, at: Duration) {
        match mark {
            Mark::Syn => self.dial(key),
            Mark::SynAck => {
                self.open(key, UP);
                self.send(key, UP, Mark::Ack, at);
                self.pump(key, UP);
            }
            Mark::Ack => {
                self.open(key, DOWN);
                self.pump(key, DOWN);
            }
            Mark::Fin => {
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.flows[direction].fin_arrived = true;
                }
                self.pump(key, direction);
            }
            Mark::Close => {
                self.drop_chain(key, direction);
                let Some(connection) = self.connections.get_mut(key) else {
                    return;
                };
                let flow = &mut connection.flows[direction];
                flow.closing = true;
                flow.end = End::Over;
                match connection.progress {
                    Progress::Open => self.pump(key, direction),
                    _ => self.close_in_order(key),
                }
            }
            Mark::Reset => {
                // What has arrived before it is handed over first, as far as it goes at once.
                self.pump(key, direction);
                self.abort(key);
            }
        }
    }

    fn open(&mut self, key: Key, direction: usize) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.open[direction] = true;
        }
    }

    /// Begins to dial the provider, as it is known now.
    fn dial(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(Some(link)) = self.links.get_mut(connection.link as usize) else {
            return;
        };
        let addresses = match &link.far {
            Far::Ready(addresses) => addresses.clone(),
            // It has gone since the connection came.
            Far::Starting | Far::Down => [].into(),
        };
        connection.progress = Progress::Dialling(Dial {
            addresses,
            next: 0,
            attempt: 0,
        });
        self.dial_next(key);
    }

    /// Tries the next address, and refuses the client when there is none.
    fn dial_next(&mut self, key: Key) {
        loop {
            let Some(connection) = self.connections.get_mut(key) else {
                return;
            };
            let Progress::Dialling(dial) = &mut connection.progress else {
                return;
            };
            let Some(Some(link)) = self.links.get_mut(connection.link as usize) else {
                return;
            };
            connection.sides[DOWN] = None;
            let Some(&address) = dial.addresses.get(dial.next) else {
                link.counts.refused += 1;
                connection.flows[DOWN].end = End::Reset;
                let now = self.clock.now();
                return self.send(key, DOWN, Mark::Reset, now);
            };
            dial.next += 1;
            dial.attempt += 1;
            let attempt = dial.attempt;
            let conditions = &link.lanes[DOWN].conditions;
            let mut stream = match socket::dial(address, conditions) {
                Ok(stream) => stream,
                Err(error) if socket::is_exhaustion(&error) => {
                    link.counts.shed += 1;
                    return self.abort(key);
                }
                Err(error) => {
                    link.counts.unreached = Some((address, error.kind()));
                    continue;
                }
            };
            let token = Token((key.index as usize) << 2 | OF_PROVIDER);
            let registry = self.poll.registry();
            if registry.register(&mut stream, token, INTEREST).is_err() {
                return self.abort(key);
            }
            connection.sides[DOWN] = Some(Side::new(stream));
            let due = self.clock.now() + DIAL_TIME;
            self.timers.set_about(due, Due::Dial(key, attempt));
            return;
        }
    }

    /// Something has happened to the socket that dials.
    pub(super) fn on_dialled(&mut self, key: Key, event: &Event) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(side) = &mut connection.sides[DOWN] else {
            return;
        };
        match socket::dialled(&side.stream, event) {
            None => {}
            Some(Err(error)) => {
                self.note_unreached(key, error.kind());
                self.dial_next(key);
            }
            Some(Ok(())) => {
                connection.progress = Progress::Open;
                let now = self.clock.now();
                self.send(key, DOWN, Mark::SynAck, now);
            }
        }
    }

    pub(super) fn on_dial_timeout(&mut self, key: Key, attempt: u32) {
        let dialling = self.connections.get_mut(key).is_some_and(
            |connection| matches!(&connection.progress, Progress::Dialling(dial) if dial.attempt == attempt),
        );
        if dialling {
            self.note_unreached(key, ErrorKind::TimedOut);
            self.dial_next(key);
        }
    }

    /// Notes why the address that a connection has dialled could not be had, for whoever asks.
    fn note_unreached(&mut self, key: Key, why: ErrorKind) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Progress::Dialling(dial) = &connection.progress else {
            return;
        };
        let dialled = dial.next.checked_sub(1).and_then(|last| dial.addresses.get(last));
        if let (Some(Some(link)), Some(address)) = (self.links.get_mut(connection.link as usize), dialled) {
            link.counts.unreached = Some((*address, why));
        }
    }
}
