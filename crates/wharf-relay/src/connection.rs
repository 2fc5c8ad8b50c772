//! A connection: two sockets, two directions, and how far its making has come.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::flow::Flow;
use crate::side::Side;

/// Towards the provider. The client's socket is this direction's source.
pub(crate) const UP: usize = 0;
/// Back. The provider's socket is this direction's source.
pub(crate) const DOWN: usize = 1;

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
}

impl Progress {
    pub(crate) fn is_parked(&self) -> bool {
        matches!(self, Self::Parked)
    }
}
