//! Taking new connections, and shedding them when there is no room.

use std::io;
use std::time::Duration;

use mio::Token;
use mio::net::TcpStream;

use super::{Due, Engine, OF_CLIENT, spare_descriptor};
use crate::connection::{Connection, INTEREST, Progress};
use crate::key::Key;
use crate::link::Far;
use crate::socket;
use crate::spec::Manner;
use crate::tap::Beginning;

/// How many connections one listener accepts before others have their turn.
const TURN: usize = 64;

/// How long accepting rests when no descriptor is left.
const REST: Duration = Duration::from_millis(100);

impl Engine {
    /// Accepts at every listener that may have connections.
    pub(super) fn accept_all(&mut self) {
        self.accepting = false;
        for listener in 0..self.listeners.len() {
            self.accept_some(listener);
        }
    }

    fn accept_some(&mut self, index: usize) {
        for _ in 0..TURN {
            let Some(Some(listener)) = self.listeners.get_mut(index) else {
                return;
            };
            if !listener.pending || listener.resting {
                return;
            }
            let number = listener.link;
            let Some(Some(link)) = self.links.get(number as usize) else {
                return;
            };
            // In a hole they hang where they are, in the kernel's queue, and cost nothing.
            if link.is_hole() || !link.listening {
                return;
            }
            match listener.socket.accept() {
                Ok((stream, _)) => self.admit(number, stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    listener.pending = false;
                    return;
                }
                Err(error) if socket::is_exhaustion(&error) => return self.shed(index),
                // A connection that has failed before it was accepted: accept(2) hands on its error.
                Err(error) if error.raw_os_error().is_some_and(is_of_the_connection) => {}
                Err(_) => return self.rest(index),
            }
        }
        self.accepting = true;
    }

    fn admit(&mut self, number: u32, stream: TcpStream) {
        let Some(link) = self.link_mut(number) else {
            return;
        };
        let ordinal = link.counts.total;
        link.counts.total += 1;
        // Linux hands the listener's own setting on.
        #[cfg(not(target_os = "linux"))]
        let _ = stream.set_nodelay(true);
        if link.cut.is_some_and(|cut| cut.manner == Manner::Reset) {
            link.counts.refused += 1;
            return socket::abort(stream);
        }
        match link.far {
            Far::Starting if link.parked >= link.park.connections => {
                link.counts.park_overflows += 1;
                socket::abort(stream);
            }
            Far::Starting => {
                let due = link.park.time;
                link.parked += 1;
                if let Some(key) = self.insert(Connection::new(number, ordinal, stream, Progress::Parked)) {
                    let due = self.clock.now() + due;
                    self.timers.set(due, Due::Parked(key));
                }
            }
            Far::Ready(_) => {
                link.counts.connections += 1;
                if let Some(key) = self.insert(Connection::new(number, ordinal, stream, Progress::Calling)) {
                    self.call(key);
                }
            }
            Far::Down => {
                link.counts.refused += 1;
                socket::abort(stream);
            }
        }
    }

    fn insert(&mut self, mut connection: Connection) -> Option<Key> {
        let index = self.connections.next_key().index as usize;
        let token = Token(index << 2 | OF_CLIENT);
        let registered = match &mut connection.sides[0] {
            Some(side) => self.poll.registry().register(&mut side.stream, token, INTEREST),
            None => Ok(()),
        };
        if let Some(side) = &mut connection.sides[0] {
            side.tap = self
                .taps
                .meet(connection.link, connection.number, &side.stream, Beginning::Seen);
        }
        let key = self.connections.insert(connection);
        if registered.is_err() {
            self.abort(key);
            return None;
        }
        Some(key)
    }

    /// No descriptor is left. The spare one is given up to accept what waits and reset it, which says
    /// more than silence; then accepting rests.
    fn shed(&mut self, index: usize) {
        for _ in 0..TURN {
            self.spare = None;
            let Some(Some(listener)) = self.listeners.get_mut(index) else {
                break;
            };
            let Ok((stream, _)) = listener.socket.accept() else {
                break;
            };
            socket::abort(stream);
            let number = listener.link;
            if let Some(link) = self.link_mut(number) {
                link.counts.total += 1;
                link.counts.shed += 1;
            }
            self.spare = spare_descriptor();
        }
        self.spare = self.spare.take().or_else(spare_descriptor);
        self.rest(index);
    }

    fn rest(&mut self, index: usize) {
        let Some(Some(listener)) = self.listeners.get_mut(index) else {
            return;
        };
        listener.resting = true;
        let due = self.clock.now() + REST;
        self.timers.set(due, Due::Accept(index));
    }

    pub(super) fn on_parked_too_long(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if !connection.is_parked() {
            return;
        }
        let number = connection.link;
        if let Some(link) = self.link_mut(number) {
            link.counts.park_overflows += 1;
        }
        self.abort(key);
    }
}

/// "Linux accept() passes already-pending network errors on the new socket as an error code from
/// accept()" (accept(2), which names these).
fn is_of_the_connection(code: i32) -> bool {
    use rustix::io::Errno;
    [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::NETDOWN,
        Errno::PROTO,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::OPNOTSUPP,
        Errno::NETUNREACH,
    ]
    .iter()
    .any(|errno| errno.raw_os_error() == code)
}
