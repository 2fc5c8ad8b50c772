//! What a hand does.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token, Waker};

use super::{Guest, Order};
use crate::clock::Watch;
use crate::connection::{Connection, DOWN, UP};
use crate::flow::{End, Flushed};
use crate::key::{Key, Slab};
use crate::pipes::Pipes;
use crate::way::{Carried, SCRATCH, TURN};

const WAKER: Token = Token(usize::MAX);

/// The state of a hand's thread.
#[derive(Debug)]
pub(super) struct Work {
    /// Which of the hands it is.
    number: usize,
    poll: Poll,
    orders: Receiver<Order>,
    watch: Watch,
    home: Arc<Waker>,
    gone: Sender<(usize, Key)>,
    guests: Slab<Guest>,
    /// Directions that had more to move than their turn allowed.
    unfinished: VecDeque<(Key, usize)>,
    pipes: Pipes,
    scratch: Vec<u8>,
}

/// Whether somebody may still give orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Employed {
    Yes,
    No,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    InOrder,
    Reset,
}

impl Work {
    pub(super) fn new(
        number: usize,
        orders: Receiver<Order>,
        watch: Watch,
        home: Arc<Waker>,
        gone: Sender<(usize, Key)>,
    ) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let work = Self {
            number,
            poll,
            orders,
            watch,
            home,
            gone,
            guests: Slab::new(),
            unfinished: VecDeque::new(),
            pipes: Pipes::default(),
            scratch: vec![0; SCRATCH],
        };
        Ok((work, waker))
    }

    /// Runs until nobody can give orders any more. Orders are looked for after each connection's turn, so
    /// that home never waits for more than that.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        loop {
            let timeout = (!self.unfinished.is_empty()).then_some(Duration::ZERO);
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                // The event queue itself is broken. There is nothing left to work with.
                return;
            }
            for event in &events {
                if self.take_orders() == Employed::No {
                    return;
                }
                self.on_event(event);
            }
            for _ in 0..self.unfinished.len() {
                if self.take_orders() == Employed::No {
                    return;
                }
                if let Some((key, direction)) = self.unfinished.pop_front() {
                    self.pump(key, direction);
                }
            }
            self.guests.recycle();
        }
    }

    fn take_orders(&mut self) -> Employed {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Carry(guest)) => self.welcome(*guest),
                Ok(Order::Return(link, answer)) => {
                    // Whoever asked waits, or has panicked.
                    let _ = answer.send(self.dismiss(link));
                }
                Err(TryRecvError::Empty) => return Employed::Yes,
                Err(TryRecvError::Disconnected) => return Employed::No,
            }
        }
    }

    fn welcome(&mut self, mut guest: Guest) {
        let index = self.guests.next_key().index as usize;
        let watched = guest
            .connection
            .watch(self.poll.registry(), |direction| token(index, direction));
        self.pipes.adopt(guest.connection.pipes());
        let key = self.guests.insert(guest);
        match watched {
            // What has come meanwhile is told at once, and may be no news.
            Ok(()) => self.unfinished.extend([(key, UP), (key, DOWN)]),
            Err(_) => self.end(key, Ending::Reset),
        }
    }

    /// Lets all connections of a link go.
    fn dismiss(&mut self, link: u32) -> Vec<Guest> {
        let keys = self.guests.keys(|guest| guest.connection.link == link);
        let mut guests: Vec<Guest> = keys
            .into_iter()
            .filter_map(|key| self.guests.remove(key))
            .collect();
        for guest in &mut guests {
            guest.connection.unwatch(self.poll.registry());
            self.pipes.part_with(guest.connection.pipes());
        }
        guests
    }

    fn on_event(&mut self, event: &Event) {
        let Token(token) = event.token();
        let Some(key) = self.guests.key_at(token >> 1) else {
            return;
        };
        let direction = token & 1;
        if let Some(guest) = self.guests.get_mut(key)
            && let Some(side) = &mut guest.connection.sides[direction]
        {
            side.note(event);
        }
        self.pump(key, direction);
        self.pump(key, 1 - direction);
    }

    /// Writes what may be written and reads what may be read, until one of the two has to wait.
    fn pump(&mut self, key: Key, direction: usize) {
        let mut left = TURN;
        loop {
            let Some(guest) = self.guests.get_mut(key) else {
                return;
            };
            let mut tally = guest.tallies.hold(direction);
            let Some(mut way) = guest.connection.way(direction) else {
                return;
            };
            let mut written = 0;
            let flushed = way.flush(&mut self.pipes, &mut written);
            let may_read = way.flow.end == End::Open && way.source.readable;
            let reset = match flushed {
                // Both ends are gone, and nothing is left to tell to either.
                Flushed::Broken if way.source.broken => Some(Ending::Reset),
                Flushed::Broken => None,
                _ if way.flow.end == End::Fin && way.source.broken => Some(Ending::Reset),
                _ if way.is_over() => Some(Ending::InOrder),
                // A reset does not wait for a reader.
                Flushed::Blocked if may_read && way.source.broken => Some(Ending::Reset),
                _ => None,
            };
            let goes_on = reset.is_none() && flushed == Flushed::All && may_read;
            let carried =
                (goes_on && left > 0).then(|| way.carry(&mut self.scratch, &mut self.pipes, &mut written));
            if written > 0 {
                tally.meter.add(self.watch.now(), written);
            }
            if let Some(Carried::Bytes(count)) = carried {
                tally.taken += count as u64;
                left = left.saturating_sub(count);
            }
            drop(tally);
            match (reset, carried) {
                (Some(ending), _) => return self.end(key, ending),
                (None, Some(Carried::Bytes(_))) => {}
                (None, Some(Carried::Reset)) => {
                    self.flush_once(key, direction);
                    return self.end(key, Ending::Reset);
                }
                // The other direction finds its source broken.
                (None, None) if flushed == Flushed::Broken => return self.pump(key, 1 - direction),
                (None, None) if goes_on => return self.unfinished.push_back((key, direction)),
                (None, None) => return,
            }
        }
    }

    /// Hands over what came before a reset, as far as it goes at once.
    fn flush_once(&mut self, key: Key, direction: usize) {
        if let Some(guest) = self.guests.get_mut(key)
            && let Some(mut way) = guest.connection.way(direction)
        {
            let mut written = 0;
            way.flush(&mut self.pipes, &mut written);
            if written > 0 {
                guest.tallies.hold(direction).meter.add(self.watch.now(), written);
            }
        }
    }

    fn end(&mut self, key: Key, ending: Ending) {
        let Some(mut guest) = self.guests.remove(key) else {
            return;
        };
        for flow in &mut guest.connection.flows {
            flow.discard(&mut self.pipes);
        }
        let Connection { sides, .. } = guest.connection;
        for side in sides.into_iter().flatten() {
            match ending {
                Ending::InOrder => drop(side),
                Ending::Reset => side.abort(),
            }
        }
        if self.gone.send((self.number, guest.home)).is_ok() {
            // It fails only where home is gone.
            let _ = self.home.wake();
        }
    }
}

fn token(index: usize, direction: usize) -> Token {
    Token(index << 1 | direction)
}
