//! `sock_diag(7)`: the table of sockets, by netlink.
//!
//! The layouts are those of `include/uapi/linux/inet_diag.h`. Addresses and ports are in network
//! order there, everything else in the machine's.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol as NetlinkProtocol, Type};
use wharf_facts::{Protocol, Socket, TcpState, Timer, TimerKind};

use super::netlink::{self, Message, attributes, messages, u32_at, u64_at};
use crate::sockets::States;
use crate::{Error, Result};

const LIST: &str = "list sockets (sock_diag)";
const LOOK_UP: &str = "look up a connection (sock_diag)";

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const ENOENT: i32 = 2;

/// `struct inet_diag_req_v2`: family, protocol, extensions, padding, states, socket id.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const ANSWER: usize = 72;
const ATTRIBUTE_SKV6ONLY: u16 = 11;
const ATTRIBUTE_CGROUP_ID: u16 = 21;

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

/// Which sockets are wanted. The kernel itself leaves the others out (net/ipv4/inet_diag.c:
/// `inet_diag_dump_icsk` compares the ports of the request), so they cost no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All.
    All,
    /// Those whose own port is this.
    Own(u16),
    /// Those whose peer's port is this.
    Peer(u16),
}

/// The sockets of `protocol` in one of `states` that are wanted, with their timers.
pub(crate) fn entries(protocol: Protocol, states: States, wanted: Wanted) -> Result<Vec<Entry>> {
    let mut connection = Connection::open(LIST)?;
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let query = dump_request(family, protocol, states, wanted);
        connection.dump(protocol, &query, &mut found)?;
    }
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

fn dump_request(family: u8, protocol: Protocol, states: States, wanted: Wanted) -> Vec<u8> {
    let protocol = match protocol {
        Protocol::Tcp => IPPROTO_TCP,
        Protocol::Udp => IPPROTO_UDP,
    };
    let mut bytes = Vec::with_capacity(REQUEST);
    bytes.extend([family, protocol, 0, 0]);
    bytes.extend(states.bits().to_ne_bytes());
    let (own, peer) = match wanted {
        Wanted::All => (0, 0),
        Wanted::Own(port) => (port, 0),
        Wanted::Peer(port) => (0, port),
    };
    bytes.extend(u16::to_be_bytes(own));
    bytes.extend(u16::to_be_bytes(peer));
    bytes.resize(REQUEST, 0);
    bytes
}

/// `None` when the two addresses are not of one family, and so never were one connection's.
fn exact_request(local: SocketAddr, remote: SocketAddr) -> Option<Vec<u8>> {
    let (family, source, destination) = match (local.ip(), remote.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => (AF_INET, padded(source), padded(destination)),
        (IpAddr::V6(source), IpAddr::V6(destination)) => (AF_INET6, source.octets(), destination.octets()),
        _ => return None,
    };
    let interface = match local {
        SocketAddr::V6(local) => local.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    let mut bytes = Vec::with_capacity(REQUEST);
    bytes.extend([family, IPPROTO_TCP, 0, 0]);
    bytes.extend(States::ALL.bits().to_ne_bytes());
    bytes.extend(local.port().to_be_bytes());
    bytes.extend(remote.port().to_be_bytes());
    bytes.extend(source);
    bytes.extend(destination);
    bytes.extend(interface.to_ne_bytes());
    bytes.extend([0xff; 8]); // INET_DIAG_NOCOOKIE: whichever incarnation
    Some(bytes)
}

fn padded(address: Ipv4Addr) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&address.octets());
    bytes
}

/// One `struct inet_diag_msg` and its attributes.
fn parse_socket(protocol: Protocol, payload: &[u8]) -> std::result::Result<Entry, &'static str> {
    let fixed: &[u8; ANSWER] = payload.first_chunk().ok_or("a socket shorter than its struct")?;
    let number = |offset| u32_at(fixed, offset).unwrap_or(0);
    let state = match TcpState::try_from(fixed[1]).map_err(|_| "a socket in an unknown state")? {
        // Asked for with a bit of its own, and told of as closed: no other closed TCP socket is in
        // a table (net/ipv4/inet_diag.c: inet_diag_dump_icsk).
        TcpState::Close if protocol == Protocol::Tcp => TcpState::BoundInactive,
        state => state,
    };
    let mut socket = Socket {
        protocol,
        state,
        local: address(fixed, 4, 8).ok_or("a socket of an unknown family")?,
        remote: address(fixed, 6, 24).ok_or("a socket of an unknown family")?,
        receive_queue: number(56),
        send_queue: number(60),
        uid: number(64),
        inode: u64::from(number(68)),
        cgroup: None,
        v6only: None,
        interface: Some(number(40)).filter(|&index| index != 0),
    };
    for attribute in attributes(payload.get(ANSWER..).unwrap_or(&[])) {
        match attribute? {
            (ATTRIBUTE_SKV6ONLY, value) => socket.v6only = value.first().map(|&flag| flag != 0),
            (ATTRIBUTE_CGROUP_ID, value) => socket.cgroup = u64_at(value, 0),
            _ => {}
        }
    }
    Ok((socket, timer(fixed[2], fixed[3], number(52))))
}

/// `idiag_timer`, `idiag_retrans` and `idiag_expires` (sock_diag(7)).
fn timer(kind: u8, retransmits: u8, expires_ms: u32) -> Option<Timer> {
    let kind = match kind {
        0 => return None,
        1 => TimerKind::Retransmit,
        2 => TimerKind::Keepalive,
        3 => TimerKind::TimeWait,
        4 => TimerKind::ZeroWindowProbe,
        _ => TimerKind::Other,
    };
    Some(Timer {
        kind,
        expires_ms,
        retransmits,
    })
}

/// The port at `port` and the address at `ip`, in the family that the first byte names.
fn address(fixed: &[u8; ANSWER], port: usize, ip: usize) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(*fixed.get(port..)?.first_chunk()?);
    let ip = match fixed[0] {
        AF_INET => IpAddr::V4(Ipv4Addr::from(*fixed.get(ip..)?.first_chunk::<4>()?)),
        AF_INET6 => IpAddr::V6(Ipv6Addr::from(*fixed.get(ip..)?.first_chunk::<16>()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    /// A listener on [::1]:80, v6only, in cgroup 5, as the kernel would tell of it.
    fn listener() -> Vec<u8> {
        let mut bytes = vec![AF_INET6, TcpState::Listen.number(), 0, 0];
        bytes.extend(80u16.to_be_bytes());
        bytes.extend(0u16.to_be_bytes());
        bytes.extend(Ipv6Addr::LOCALHOST.octets());
        bytes.extend(Ipv6Addr::UNSPECIFIED.octets());
        bytes.extend([0; 12]);
        for number in [0u32, 3, 128, 1000, 4242] {
            bytes.extend(number.to_ne_bytes());
        }
        for (kind, value) in [(11u16, &[1u8][..]), (21, &5u64.to_ne_bytes()[..])] {
            bytes.extend((4 + value.len() as u16).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn a_socket_is_read_whole() {
        let (socket, timer) = parse_socket(Protocol::Tcp, &listener()).expect("a socket");
        assert_eq!(timer, None);
        assert_eq!(
            socket,
            Socket {
                protocol: Protocol::Tcp,
                state: TcpState::Listen,
                local: "[::1]:80".parse().expect("an address"),
                remote: "[::]:0".parse().expect("an address"),
                uid: 1000,
                inode: 4242,
                cgroup: Some(5),
                v6only: Some(true),
                interface: None,
                receive_queue: 3,
                send_queue: 128,
            }
        );
    }

    #[test]
    fn requests_have_the_kernels_length() {
        for wanted in [Wanted::All, Wanted::Own(1), Wanted::Peer(1)] {
            let request = dump_request(AF_INET, Protocol::Udp, States::ALL, wanted);
            assert_eq!(request.len(), REQUEST);
        }
        let local = "127.0.0.1:1".parse().expect("an address");
        let remote = "127.0.0.1:2".parse().expect("an address");
        assert_eq!(
            exact_request(local, remote).map(|bytes| bytes.len()),
            Some(REQUEST)
        );
        let other = "[::1]:2".parse().expect("an address");
        assert_eq!(exact_request(local, other), None);
    }

    #[test]
    fn no_bytes_can_make_the_parser_panic() {
        let mut noise = Noise::new(2);
        let good = listener();
        let mut read = 0;
        for round in 0..20_000 {
            let bytes = if round % 2 == 0 {
                noise.bytes(300)
            } else {
                noise.spoil(&good)
            };
            read += u32::from(parse_socket(Protocol::Tcp, &bytes).is_ok());
        }
        assert!(
            read > 0,
            "spoiling left nothing that can be read: it tests too little"
        );
    }
}
