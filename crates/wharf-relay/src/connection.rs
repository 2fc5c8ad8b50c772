//! A connection: two sockets, two directions, and how far its making has come.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::{Interest, Registry, Token};

use crate::flow::Flow;
use crate::side::Side;

/// Towards the provider. The client's socket is this direction's source.
pub(crate) const UP: usize = 0;
/// Back. The provider's socket is this direction's source.
pub(crate) const DOWN: usize = 1;

/// What is asked of both sockets.
pub(crate) const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// How long an address of the provider has to answer.
pub(crate) const DIAL_TIME: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) link: u32,
    /// Which of the link's connections it is: the how many-th that was accepted.
    pub(crate) number: u64,
    pub(crate) progress: Progress,
    /// When the handshake began.
    pub(crate) called: Duration,
    /// How many of its SYNs were lost, or their answers.
    pub(crate) unanswered: u32,
    /// The client's and the provider's end: a direction's source has the direction's number.
    pub(crate) sides: [Option<Side>; 2],
    pub(crate) flows: [Flow; 2],
    /// Whether a direction's source may be read: the handshake has come so far.
    pub(crate) open: [bool; 2],
}

/// How far the making of a connection has come.
#[derive(Debug)]
pub(crate) enum Progress {
    /// The provider is starting, or a cut keeps the handshake from beginning.
    Parked,
    /// The handshake is on its way to the provider.
    Calling,
    /// The provider is being dialled.
    Dialling(Dial),
    /// Both ends are there.
    Open,
    /// Another thread has them: this one, by its number.
    Away(usize),
}

/// The addresses of a provider, tried one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Dial {
    pub(crate) addresses: Arc<[SocketAddr]>,
    pub(crate) next: usize,
    /// Tells the time-out of this attempt from those of earlier ones.
    pub(crate) attempt: u32,
}

impl Connection {
    pub(crate) fn new(link: u32, number: u64, client: mio::net::TcpStream, progress: Progress) -> Self {
        Self {
            link,
            number,
            progress,
            called: Duration::ZERO,
            unanswered: 0,
            sides: [Some(Side::new(client)), None],
            flows: Default::default(),
            open: [false, false],
        }
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.progress.is_parked()
    }

    /// Whether all that it takes to carry it is to move bytes from socket to socket.
    pub(crate) fn is_plain(&self) -> bool {
        let untapped = |side: &Option<Side>| side.as_ref().is_some_and(|side| side.tap.is_none());
        matches!(self.progress, Progress::Open)
            && self.open == [true, true]
            && self.sides.iter().all(untapped)
            && self.flows.iter().all(Flow::is_plain)
    }

    /// Takes all of it to another thread, and leaves its place.
    pub(crate) fn leave(&mut self, hand: usize) -> Self {
        let place = Self {
            link: self.link,
            number: self.number,
            progress: Progress::Away(hand),
            called: self.called,
            unanswered: self.unanswered,
            sides: [None, None],
            flows: Default::default(),
            open: self.open,
        };
        std::mem::replace(self, place)
    }

    /// How many pipes it has.
    pub(crate) fn pipes(&self) -> usize {
        self.flows.iter().filter(|flow| flow.pipe.is_some()).count()
    }

    /// Has an event loop watch both sockets. What has come before is told at once.
    pub(crate) fn watch(&mut self, registry: &Registry, token: impl Fn(usize) -> Token) -> io::Result<()> {
        for (direction, side) in self.sides.iter_mut().enumerate() {
            if let Some(side) = side {
                registry.register(&mut side.stream, token(direction), INTEREST)?;
            }
        }
        Ok(())
    }

    /// The event loop watches them no more.
    pub(crate) fn unwatch(&mut self, registry: &Registry) {
        for side in self.sides.iter_mut().flatten() {
            // It fails only for what was not watched.
            let _ = registry.deregister(&mut side.stream);
        }
    }
}

impl Progress {
    pub(crate) fn is_parked(&self) -> bool {
        matches!(self, Self::Parked)
    }
}
