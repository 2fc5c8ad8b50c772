//! `sock_diag(7)`: the table of sockets, by netlink.

use std::collections::HashSet;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol as NetlinkProtocol, Type};
use wharf_facts::{Protocol, Socket, Timer};

use super::inet_diag::{AF_INET, AF_INET6, dump_request, exact_request, parse_socket};
use super::netlink::{self, Message, messages};
use crate::sockets::States;
use crate::{Error, Result};

const LIST: &str = "list sockets (sock_diag)";
const LOOK_UP: &str = "look up a connection (sock_diag)";

const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const ENOENT: i32 = 2;

/// The kernel makes dump datagrams no longer than this (`netlink_dump`: 32 KiB at most).
const BUFFER: usize = 64 * 1024;
/// How often a dump is read again that changed while it was read, before what came is taken.
const ATTEMPTS: usize = 4;
/// The kernel answers at once or not at all; this is only against waiting for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket, and the timer that runs on it.
pub(crate) type Entry = (Socket, Option<Timer>);

/// The sockets of `protocol` in one of `states`, IPv4's first.
pub(crate) fn sockets(protocol: Protocol, states: States) -> Result<Vec<Socket>> {
    let entries = entries(protocol, states, Wanted::All)?;
    Ok(entries.into_iter().map(|(socket, _)| socket).collect())
}

/// Which sockets are wanted. The kernel itself leaves the others out, so they cost no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All.
    All,
    /// Those whose own port, or whose peer's, is this.
    Port(u16),
}

/// The sockets of `protocol` in one of `states` that are wanted, with their timers.
pub(crate) fn entries(protocol: Protocol, states: States, wanted: Wanted) -> Result<Vec<Entry>> {
    let mut connection = Connection::open(LIST)?;
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let query = dump_request(family, protocol, states, wanted);
        connection.dump(protocol, &query, &mut found)?;
    }
    // A dump goes on in the next datagram by counting within a hash bucket (net/ipv4/inet_diag.c):
    // when a socket was put in before that place meanwhile, the one at the border comes twice.
    let mut seen = HashSet::with_capacity(found.len());
    found.retain(|(socket, _)| socket.inode == 0 || seen.insert(socket.inode));
    Ok(found)
}

/// The TCP socket whose own address is `local` and whose peer's is `remote`, if there is one.
pub(crate) fn tcp_connection(local: SocketAddr, remote: SocketAddr) -> Result<Option<Socket>> {
    let Some(query) = exact_request(local, remote) else {
        return Ok(None);
    };
    Connection::open(LOOK_UP)?.look_up(&query)
}

/// A netlink socket, and what it is used for.
struct Connection {
    socket: socket2::Socket,
    operation: &'static str,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(operation: &'static str) -> Result<Self> {
        let fail = |source| Error::Netlink { operation, source };
        let socket = socket2::Socket::new(
            Domain::from(AF_NETLINK),
            Type::DGRAM,
            Some(NetlinkProtocol::from(NETLINK_SOCK_DIAG)),
        )
        .map_err(fail)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
        Ok(Self {
            socket,
            operation,
            sequence: 0,
            buffer: vec![0; BUFFER],
        })
    }

    /// Adds to `found` what a dump gives.
    fn dump(&mut self, protocol: Protocol, query: &[u8], found: &mut Vec<Entry>) -> Result<()> {
        let before = found.len();
        for _ in 0..ATTEMPTS {
            found.truncate(before);
            if !self.dump_once(protocol, query, found)? {
                break;
            }
        }
        Ok(())
    }

    /// Whether the dump was interrupted.
    fn dump_once(&mut self, protocol: Protocol, query: &[u8], found: &mut Vec<Entry>) -> Result<bool> {
        self.send(query, netlink::FLAG_DUMP)?;
        let mut interrupted = false;
        loop {
            let length = self.receive()?;
            for message in messages(self.buffer.get(..length).unwrap_or(&[])) {
                let message = message.map_err(|detail| self.malformed(detail))?;
                if message.sequence != self.sequence {
                    continue;
                }
                interrupted |= message.flags & netlink::FLAG_DUMP_INTERRUPTED != 0;
                match message.kind {
                    netlink::KIND_DONE | netlink::KIND_ERROR => {
                        // A kernel without IPv6 does not know the family: it has no such sockets.
                        return match self.refusal(&message) {
                            Some(Error::Netlink { source, .. })
                                if source.raw_os_error() == Some(ENOENT)
                                    && query.first() == Some(&AF_INET6) =>
                            {
                                Ok(false)
                            }
                            Some(error) => Err(error),
                            None => Ok(interrupted),
                        };
                    }
                    SOCK_DIAG_BY_FAMILY => found.push(
                        parse_socket(protocol, message.payload).map_err(|detail| self.malformed(detail))?,
                    ),
                    _ => {}
                }
            }
        }
    }

    fn look_up(&mut self, query: &[u8]) -> Result<Option<Socket>> {
        self.send(query, 0)?;
        let length = self.receive()?;
        for message in messages(self.buffer.get(..length).unwrap_or(&[])) {
            let message = message.map_err(|detail| self.malformed(detail))?;
            match message.kind {
                _ if message.sequence != self.sequence => {}
                netlink::KIND_ERROR => {
                    return match self.refusal(&message) {
                        Some(Error::Netlink { source, .. }) if source.raw_os_error() == Some(ENOENT) => {
                            Ok(None)
                        }
                        Some(error) => Err(error),
                        None => Ok(None),
                    };
                }
                SOCK_DIAG_BY_FAMILY => {
                    return parse_socket(Protocol::Tcp, message.payload)
                        .map(|(socket, _)| Some(socket))
                        .map_err(|detail| self.malformed(detail));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn send(&mut self, query: &[u8], flags: u16) -> Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let request = netlink::request(SOCK_DIAG_BY_FAMILY, flags, self.sequence, query);
        loop {
            match self.socket.send(&request) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn receive(&mut self) -> Result<usize> {
        loop {
            match self.socket.read(&mut self.buffer) {
                Ok(length) => return Ok(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn refusal(&self, message: &Message<'_>) -> Option<Error> {
        match message.errno() {
            0 => None,
            errno => Some(self.failed(io::Error::from_raw_os_error(errno))),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Netlink {
            operation: self.operation,
            source,
        }
    }

    fn malformed(&self, detail: &'static str) -> Error {
        Error::Malformed {
            operation: self.operation,
            detail,
        }
    }
}
