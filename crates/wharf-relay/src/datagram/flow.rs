//! A flow: one client of a link, and the socket that speaks to the provider for it.

use std::net::SocketAddr;
use std::time::Duration;

use super::packet::Datagram;
use super::socket::Socket;

#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) link: u32,
    /// Where the client speaks to, and is answered from.
    pub(crate) seat: usize,
    pub(crate) client: SocketAddr,
    /// Made when the first datagram gets to the far end of the link.
    pub(crate) upstream: Option<Upstream>,
    /// What waits for the provider to start.
    pub(crate) parked: Vec<Datagram>,
    pub(crate) used: Duration,
    pub(crate) course: Course,
}

#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) socket: Socket,
    pub(crate) address: SocketAddr,
}

/// How a flow has gone so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// One question.
    Brief,
    /// More than one.
    Lasting,
}

impl Flow {
    pub(crate) fn new(link: u32, seat: usize, client: SocketAddr, now: Duration) -> Self {
        Self {
            link,
            seat,
            client,
            upstream: None,
            parked: Vec::new(),
            used: now,
            course: Course::Brief,
        }
    }
}
