//! The hold: sockets that are bound and do not listen, so that the port is kept for its server.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rusqlite::Connection;
use socket2::Socket;
use wharf_host::{owner, process};

use crate::claim::{self, Claim, Manner, Outcome};
use crate::config::HoldPolicy;
use crate::database::Failure;
use crate::lease::addresses;
use crate::obstacle::{self, Obstacle};
use crate::rows::{self, Holder, Row};
use crate::{Error, Lease, Result};

/// How many connections may wait; the kernel cuts this to its own limit (`somaxconn`).
const BACKLOG: i32 = 4096;
/// How often, and how long apart, a hold is tried that something passing is in the way of.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// A port that is kept for its server. It is given up when this is dropped.
///
/// A server that sets `SO_REUSEADDR` binds and listens over it. To give it to one that does not,
/// drop the hold just before that starts; or pass it the hold itself ([`Hold::listen`]).
#[derive(Debug)]
pub struct Hold {
    port: u16,
    sockets: Vec<(SocketAddr, Socket)>,
    missing: Option<String>,
}

impl Hold {
    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The addresses at which the port is held: none where a hold is only a row.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|(address, _)| *address).collect()
    }

    /// What is not held and why, for a message: a machine without IPv6 has no `[::1]`.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// Turns the hold into listeners, one for each address, IPv4's first. No connection is lost
    /// between: the same sockets go on.
    ///
    /// # Errors
    /// When a server listens already on one of the addresses.
    pub fn listen(self) -> Result<Vec<TcpListener>> {
        self.sockets
            .into_iter()
            .map(|(address, socket)| match socket.listen(BACKLOG) {
                Ok(()) => Ok(socket.into()),
                Err(source) => Err(Error::Socket {
                    operation: "listen on",
                    address,
                    source,
                }),
            })
            .collect()
    }
}

/// What came of the wish to hold, as far as it could be found out within the transaction.
#[derive(Debug)]
pub(crate) enum Taken {
    Held(Hold),
    Refused(SocketAddr, Obstacle),
}

/// Holds the port of `row`, if nobody is in the way.
///
/// It is done in a transaction, so that of two processes that find only the last connections of an
/// earlier server on the port, one alone shares it with them.
pub(crate) fn take(
    transaction: &Connection,
    row: &Row,
    policy: HoldPolicy,
) -> std::result::Result<Taken, Failure> {
    if !policy.binds() {
        return Ok(Taken::Held(Hold {
            port: row.port,
            sockets: Vec::new(),
            missing: None,
        }));
    }
    let addresses = addresses(row);
    let mut outcome = claim::tcp(&addresses, Manner::Exclusive)?;
    if let Outcome::Busy(address) = outcome {
        let obstacle = obstacle::find(&addresses, rows::holder(transaction, &row.key)?)?;
        if !matches!(obstacle, Obstacle::Connection(_)) {
            return Ok(Taken::Refused(address, obstacle));
        }
        outcome = claim::tcp(&addresses, Manner::Shared)?;
        if let Outcome::Busy(address) = outcome {
            return Ok(Taken::Refused(address, obstacle));
        }
    }
    match outcome {
        Outcome::Claimed(claim) => record(transaction, row, claim, policy),
        Outcome::Busy(address) => Ok(Taken::Refused(address, Obstacle::Unseen)),
    }
}

/// Tries again, for a tenth of a second at most, while nothing is in the way but a socket that
/// neither listens nor is a hold. That state passes: a server is about to listen, or a child that
/// this very process has just forked has a copy of a socket, which its `exec` will close.
pub(crate) fn patiently<T>(mut attempt: impl FnMut() -> Result<(T, Taken)>) -> Result<(T, Taken)> {
    for _ in 0..ATTEMPTS {
        match attempt()? {
            (_, Taken::Refused(_, obstacle)) if obstacle.is_passing() => std::thread::sleep(PAUSE),
            done => return Ok(done),
        }
    }
    attempt()
}

/// Makes a claim the hold of `row`, and writes down who has it.
pub(crate) fn record(
    transaction: &Connection,
    row: &Row,
    claim: Claim,
    policy: HoldPolicy,
) -> std::result::Result<Taken, Failure> {
    let Claim { mut sockets, missing } = claim;
    if !policy.binds() {
        sockets.clear();
    }
    if let Some(holder) = this_process(&sockets) {
        rows::set_holder(transaction, &row.key, holder)?;
    }
    let missing = missing.map(|(address, error)| format!("{address} is not held: {error}"));
    Ok(Taken::Held(Hold {
        port: row.port,
        sockets,
        missing,
    }))
}

/// This process, by the first of its sockets.
fn this_process(sockets: &[(SocketAddr, Socket)]) -> Option<Holder> {
    let (_, socket) = sockets.first()?;
    let pid = std::process::id();
    Some(Holder {
        pid,
        start_time: process::start_time(pid)?,
        inode: inode_of(socket)?,
    })
}

#[cfg(unix)]
fn inode_of(socket: &Socket) -> Option<u64> {
    rustix::fs::fstat(socket).ok().map(|stat| stat.st_ino)
}

#[cfg(not(unix))]
fn inode_of(_: &Socket) -> Option<u64> {
    None
}

impl Taken {
    /// The hold; or the error, with a name for who is in the way. To find the name may take a walk
    /// through all processes, which no other process should have to wait for.
    pub(crate) fn into_hold(self, lease: &Lease) -> Result<Hold> {
        let key = || Box::new(lease.key().clone());
        let (address, obstacle) = match self {
            Self::Held(hold) => return Ok(hold),
            Self::Refused(address, obstacle) => (address, obstacle),
        };
        match obstacle {
            Obstacle::Holder(pid) => Err(Error::Held {
                key: key(),
                port: lease.port(),
                owner: process::describe(pid).map(|process| wharf_facts::Owner::Known(vec![process])),
            }),
            Obstacle::Socket(socket) | Obstacle::Connection(socket) => Err(Error::InUse {
                key: key(),
                address: socket.local,
                owner: Some(owner::of(&socket)?),
            }),
            Obstacle::Unseen => Err(Error::InUse {
                key: key(),
                address,
                owner: None,
            }),
        }
    }
}
