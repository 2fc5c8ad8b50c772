//! What sock_diag is asked and what it answers, in bytes.
//!
//! The layouts are those of `include/uapi/linux/inet_diag.h`. Addresses and ports are in network
//! order there, everything else in the machine's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_facts::{Protocol, Socket, TcpState, Timer, TimerKind};

use super::netlink::{Detail, attributes, u32_at, u64_at};
use super::sock_diag::{Entry, Wanted};
use crate::sockets::States;

pub(super) const AF_INET: u8 = 2;
pub(super) const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;

/// `struct inet_diag_req_v2`: family, protocol, extensions, padding, states, socket id.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const ANSWER: usize = 72;
const ATTRIBUTE_HEADER: u16 = 4;
const ATTRIBUTE_SKV6ONLY: u16 = 11;
const ATTRIBUTE_CGROUP_ID: u16 = 21;
/// `INET_DIAG_REQ_BYTECODE`, and the operations of its programs.
const REQUEST_BYTECODE: u16 = 1;
const OPERATION_JUMP: u8 = 1;
const OPERATION_OWN_AT_LEAST: u8 = 2;
const OPERATION_OWN_AT_MOST: u8 = 3;
const OPERATION_PEER_AT_LEAST: u8 = 4;
const OPERATION_PEER_AT_MOST: u8 = 5;

pub(super) fn dump_request(family: u8, protocol: Protocol, states: States, wanted: Wanted) -> Vec<u8> {
    let protocol = match protocol {
        Protocol::Tcp => IPPROTO_TCP,
        Protocol::Udp => IPPROTO_UDP,
    };
    let mut bytes = Vec::with_capacity(REQUEST);
    bytes.extend([family, protocol, 0, 0]);
    bytes.extend(states.bits().to_ne_bytes());
    bytes.resize(REQUEST, 0);
    if let Wanted::Port(port) = wanted {
        let filter = either_port(port);
        bytes.extend((ATTRIBUTE_HEADER + filter.len() as u16).to_ne_bytes());
        bytes.extend(REQUEST_BYTECODE.to_ne_bytes());
        bytes.extend(filter);
    }
    bytes
}

/// A program for the kernel's filter (`struct inet_diag_bc_op`: code, step when it holds, step when
/// it does not) that accepts a socket one of whose two ports is `port`. A step that ends just behind
/// the last operation accepts, one four bytes further refuses (`inet_diag_bc_run`).
fn either_port(port: u16) -> Vec<u8> {
    // Compared port by port: an operation's second half holds the port.
    let mut program = Vec::new();
    let mut operation = |code: u8, holds: u8, holds_not: u16| {
        program.extend([code, holds]);
        program.extend(holds_not.to_ne_bytes());
        if code != OPERATION_JUMP {
            program.extend([0, 0]);
            program.extend(port.to_ne_bytes());
        }
    };
    operation(OPERATION_OWN_AT_LEAST, 8, 20);
    operation(OPERATION_OWN_AT_MOST, 8, 12);
    operation(OPERATION_JUMP, 4, 20);
    operation(OPERATION_PEER_AT_LEAST, 8, 20);
    operation(OPERATION_PEER_AT_MOST, 8, 12);
    program
}

/// `None` when the two addresses are not of one family, and so never were one connection's.
pub(super) fn exact_request(local: SocketAddr, remote: SocketAddr) -> Option<Vec<u8>> {
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
pub(super) fn parse_socket(protocol: Protocol, payload: &[u8]) -> Result<Entry, Detail> {
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
        let dump = |wanted| dump_request(AF_INET, Protocol::Udp, States::ALL, wanted).len();
        assert_eq!(dump(Wanted::All), REQUEST);
        // The filter's steps are right only if it has this length.
        assert_eq!(either_port(1).len(), 36);
        assert_eq!(dump(Wanted::Port(1)), REQUEST + 4 + 36);
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
