//! What keeps a port from being claimed.

use std::net::SocketAddr;

use wharf_facts::{Socket, TcpState};
use wharf_host::sockets::{self, States};
use wharf_host::{Result, process};

use crate::rows::Holder;

/// What keeps a port from being claimed.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// A process of this pid holds this very lease.
    Holder(u32),
    /// A socket that listens, or is bound and may listen at any time.
    Socket(Socket),
    /// Nothing but connections, perhaps of an earlier server on this port.
    Connection(Socket),
    /// The kernel tells of nothing: before Linux 6.8 it does not tell of sockets that are bound
    /// and do nothing.
    Unseen,
}

impl Obstacle {
    /// Whether it is of a kind that is gone, or something else, in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Socket(socket) => socket.state == TcpState::BoundInactive,
            Self::Unseen => true,
            Self::Holder(_) | Self::Connection(_) => false,
        }
    }
}

/// Finds what is on `addresses`, the gravest first. `recorded` is who held the lease last.
pub(crate) fn find(addresses: &[SocketAddr], recorded: Option<Holder>) -> Result<Obstacle> {
    let mut found = sockets::tcp(States::ALL)?;
    found.retain(|socket| addresses.iter().any(|&address| socket.covers(address)));
    let in_state = |state| found.iter().find(|socket| socket.state == state).cloned();
    if let Some(listener) = in_state(TcpState::Listen) {
        return Ok(Obstacle::Socket(listener));
    }
    if let Some(holder) = recorded.filter(still_holds) {
        return Ok(Obstacle::Holder(holder.pid));
    }
    if let Some(bound) = in_state(TcpState::BoundInactive) {
        return Ok(Obstacle::Socket(bound));
    }
    // One that a process has open tells more than one that only rests.
    let connection = found.iter().max_by_key(|socket| socket.inode != 0).cloned();
    Ok(connection.map_or(Obstacle::Unseen, Obstacle::Connection))
}

/// Whether the process lives and has the socket still. One that may not be looked into is believed.
fn still_holds(holder: &Holder) -> bool {
    process::is_alive(holder.pid, holder.start_time)
        && process::socket_inodes(holder.pid).map_or(true, |inodes| inodes.contains(&holder.inode))
}
