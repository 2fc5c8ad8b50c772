//! The event loop: one thread that owns all sockets of a relay.
//!
//! A round waits for events or the next deadline, and then: moves what sockets have (`pump`), takes
//! new connections (`accept`), does what other threads ask (`control`), and lets the machines
//! deliver what is due and take what waits (`lanes`). Work on one connection is bounded, and what is
//! left goes to the next round; a deadline that passes during the round is served between two
//! connections.

mod accept;
mod control;
mod datagrams;
mod hands;
mod handshake;
mod lanes;
mod pump;
mod repairs;
mod segments;
mod serve;
mod stages;
mod taps;
mod turns;

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use mio::event::Event as SocketEvent;
use mio::{Events, Poll, Token, Waker};

use self::serve::Work;
use crate::agenda::{Agenda, Slot};
use crate::chain::Event;
use crate::clock::Clock;
use crate::connection::{Connection, DOWN, Progress, UP};
use crate::datagram::Datagrams;
use crate::error::Error;
use crate::flow::Mark;
use crate::hand::Hands;
use crate::key::{Key, Slab};
use crate::link::Link;
use crate::listener::Listener;
use crate::pipes::Pipes;
use crate::relay::Job;
use crate::segment::Segment;
use crate::tap::Taps;
use crate::timers::Timers;
use crate::way::SCRATCH;

pub(crate) use datagrams::datagram_token;

const WAKER: Token = Token(0);
const TIMER: Token = Token(4);

/// What a token names, in its two lowest bits; the rest is an index.
const OF_CLIENT: usize = 1;
const OF_PROVIDER: usize = 2;
const OF_LISTENER: usize = 3;

/// How many jobs are done in one round.
const JOBS: usize = 64;

/// What is due at a coarse deadline.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Due {
    Parked(Key),
    Dial(Key, u32),
    /// A mark of the handshake is sent again, at this time.
    Handshake(Key, usize, Mark, Duration),
    /// The handshake's last SYN was in vain.
    Unanswered(Key),
    Accept(usize),
}

#[derive(Debug)]
pub(crate) struct Engine {
    poll: Poll,
    clock: Clock,
    inbox: Receiver<Job>,
    /// Links by number; `None`: removed.
    links: Vec<Option<Link>>,
    /// Segments by number; `None`: removed.
    segments: Vec<Option<Segment>>,
    listeners: Vec<Option<Listener>>,
    connections: Slab<Connection>,
    datagrams: Datagrams,
    /// What of it is looked at.
    taps: Taps,
    timers: Timers<Due>,
    /// Directions that had more to move than their turn allowed.
    unfinished: VecDeque<(Key, usize)>,
    /// Connections that a delivery has reached, where, and when it should have.
    delivered: Vec<(Key, usize, Duration)>,
    /// Directions of links whose connections may enter.
    entering: Vec<(u32, usize)>,
    /// What comes of the work of one chain.
    events: Vec<Event>,
    /// Whether some listener has more to accept.
    accepting: bool,
    jobs_left: bool,
    pipes: Pipes,
    scratch: Vec<u8>,
    /// Given up for a moment to accept, and shed, when no descriptor is left.
    spare: Option<File>,
    /// When something is due in a machine.
    agenda: Agenda<Work>,
    datagrams_slot: Slot,
    /// The threads that carry bulk.
    hands: Hands,
}

impl Engine {
    pub(crate) fn new(inbox: Receiver<Job>) -> Result<(Self, Arc<Waker>), Error> {
        let start = |operation| move |source| Error::Start { operation, source };
        let poll = Poll::new().map_err(start("open an event queue"))?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(start("make a waker"))?;
        let waker = Arc::new(waker);
        let clock = Clock::new(poll.registry(), TIMER).map_err(start("make a timer"))?;
        let engine = Self {
            hands: Hands::new(Arc::clone(&waker), clock.watch()),
            poll,
            clock,
            inbox,
            links: Vec::new(),
            segments: Vec::new(),
            listeners: Vec::new(),
            connections: Slab::new(),
            datagrams: Datagrams::new(),
            taps: Taps::default(),
            timers: Timers::new(),
            unfinished: VecDeque::new(),
            delivered: Vec::new(),
            entering: Vec::new(),
            events: Vec::new(),
            accepting: false,
            jobs_left: false,
            pipes: Pipes::default(),
            scratch: vec![0; SCRATCH],
            spare: spare_descriptor(),
            agenda: Agenda::new(),
            datagrams_slot: Slot::default(),
        };
        Ok((engine, waker))
    }

    /// Runs until nobody can ask any more.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        loop {
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                // The event queue itself is broken. There is nothing left to serve with.
                return;
            }
            for event in &events {
                self.on_event(event);
                self.serve_if_due();
            }
            for _ in 0..self.unfinished.len() {
                if let Some((key, direction)) = self.unfinished.pop_front() {
                    self.pump(key, direction);
                    self.serve_if_due();
                }
            }
            self.note_gone();
            if self.accepting {
                self.accept_all();
            }
            if !self.do_jobs() {
                return;
            }
            self.on_timers();
            self.serve();
            self.taps.flush();
            self.connections.recycle();
        }
    }

    /// How long to wait for events.
    fn timeout(&mut self) -> Option<Duration> {
        let coarse = self.timers.next();
        let deadline = self.agenda.next().into_iter().chain(coarse).min();
        let overdue = deadline.is_some_and(|deadline| deadline <= self.clock.now());
        let unfinished =
            !(self.unfinished.is_empty() && self.delivered.is_empty() && self.entering.is_empty());
        if overdue || self.accepting || self.jobs_left || unfinished {
            return Some(Duration::ZERO);
        }
        self.clock.arm(deadline)
    }

    fn on_event(&mut self, event: &SocketEvent) {
        let Token(token) = event.token();
        let index = token >> 2;
        match token & 3 {
            OF_LISTENER => {
                if let Some(Some(listener)) = self.listeners.get_mut(index) {
                    listener.pending = true;
                    self.accepting = true;
                }
            }
            OF_CLIENT => self.on_socket(index, UP, event),
            OF_PROVIDER => self.on_socket(index, DOWN, event),
            _ if event.token() == TIMER => self.clock.rang(),
            _ => self.on_datagrams(event.token()),
        }
    }

    /// An event of the socket that is the source of `direction`, and the sink of the other.
    fn on_socket(&mut self, index: usize, direction: usize, event: &SocketEvent) {
        let Some(key) = self.connections.key_at(index) else {
            return;
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(side) = &mut connection.sides[direction] else {
            return;
        };
        side.note(event);
        let gone = side.broken;
        match (&connection.progress, direction) {
            (Progress::Open, _) => {
                self.pump(key, direction);
                self.pump(key, 1 - direction);
            }
            (Progress::Dialling(_), DOWN) => self.on_dialled(key, event),
            // A client that is gone before the provider is dialled leaves nothing to carry. After
            // that its reset takes the way of all resets, behind the handshake.
            (Progress::Parked | Progress::Calling, UP) if gone => self.abort(key),
            _ => {}
        }
    }

    fn on_timers(&mut self) {
        let now = self.clock.now();
        while let Some(due) = self.timers.pop(now) {
            match due {
                Due::Parked(key) => self.on_parked_too_long(key),
                Due::Dial(key, attempt) => self.on_dial_timeout(key, attempt),
                Due::Handshake(key, direction, mark, at) => self.send(key, direction, mark, at),
                Due::Unanswered(key) => self.abort(key),
                Due::Accept(listener) => {
                    if let Some(Some(listener)) = self.listeners.get_mut(listener) {
                        listener.resting = false;
                        self.accepting = true;
                    }
                }
            }
        }
    }

    /// Whether the loop goes on.
    fn do_jobs(&mut self) -> bool {
        self.jobs_left = false;
        for _ in 0..JOBS {
            match self.inbox.try_recv() {
                Ok(job) => {
                    job(self);
                    self.note_datagrams();
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        // More may be waiting, and its wake-up is spent.
        self.jobs_left = true;
        true
    }

    /// Takes a connection out of everything that counts it.
    fn forget(&mut self, key: Key) -> Option<Connection> {
        for direction in [UP, DOWN] {
            self.drop_chain(key, direction);
            self.drop_tcp(key, direction);
        }
        let mut connection = self.connections.remove(key)?;
        self.forget_waiting(connection.link, key);
        for flow in &mut connection.flows {
            flow.discard(&mut self.pipes);
        }
        if let Some(link) = self.link_mut(connection.link) {
            if connection.is_parked() {
                link.parked -= 1;
            } else {
                link.counts.connections -= 1;
            }
        }
        Some(connection)
    }

    /// Ends a connection as it should end.
    fn close(&mut self, key: Key) {
        drop(self.forget(key));
    }

    /// Ends a connection in good order although its sources have not ended. What they have sent is
    /// read and forgotten first: closing a socket with bytes unread would reset it (RFC 2525, 2.17).
    fn close_in_order(&mut self, key: Key) {
        let Some(connection) = self.forget(key) else {
            return;
        };
        for mut side in connection.sides.into_iter().flatten() {
            side.finish();
            let _ = side.read(&mut self.scratch);
        }
    }

    /// Ends a connection with a reset to both sides.
    fn abort(&mut self, key: Key) {
        let sides = self.forget(key).map(|connection| connection.sides);
        for side in sides.into_iter().flatten().flatten() {
            side.abort();
        }
    }

    fn link_mut(&mut self, link: u32) -> Option<&mut Link> {
        self.links.get_mut(link as usize)?.as_mut()
    }

    fn keys_of(&self, link: u32) -> Vec<Key> {
        self.connections.keys(|connection| connection.link == link)
    }
}

fn spare_descriptor() -> Option<File> {
    File::open("/dev/null").ok()
}
