//! Binding a port so that the kernel gives it to nobody else.
//!
//! The order matters. A socket that is bound *without* `SO_REUSEADDR` is a claim: the bind
//! fails when any other socket is bound to the port, of whatever user and program. Once bound, the
//! option is set. From then on a server that sets it too may bind and listen over the claim; one
//! that does not set it is refused; and neither `bind` with port 0 nor `connect` is given the port
//! (`net/ipv4/inet_connection_sock.c`: `inet_csk_get_port`, `inet_csk_bind_conflict`).

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{Error, Result};

/// Bound sockets: one for each address that this machine has.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) sockets: Vec<(SocketAddr, Socket)>,
    /// The address that this machine does not have, and what the system said of it.
    pub(crate) missing: Option<(SocketAddr, io::Error)>,
}

/// How the claim stands to sockets that are bound already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// There must be none.
    Exclusive,
    /// There may be some that set `SO_REUSEADDR` and do not listen: connections of an earlier
    /// server, also those that only rest in TIME_WAIT.
    Shared,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Claimed(Claim),
    /// This address is in use.
    Busy(SocketAddr),
}

/// Claims all of `addresses`, or none. IPv6 may be missing if there is IPv4.
pub(crate) fn tcp(addresses: &[SocketAddr], manner: Manner) -> Result<Outcome> {
    let mut claim = Claim {
        sockets: Vec::new(),
        missing: None,
    };
    for &address in addresses {
        let bound = bind_tcp(address, manner);
        match bound {
            Ok(socket) => claim.sockets.push((address, socket)),
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                return Ok(Outcome::Busy(address));
            }
            Err(source) if is_absent(address, &source) => claim.missing = Some((address, source)),
            Err(source) => {
                return Err(Error::Socket {
                    operation: "bind",
                    address,
                    source,
                });
            }
        }
    }
    for (address, socket) in &claim.sockets {
        socket.set_reuse_address(true).map_err(|source| Error::Socket {
            operation: "set SO_REUSEADDR on",
            address: *address,
            source,
        })?;
    }
    Ok(Outcome::Claimed(claim))
}

fn bind_tcp(address: SocketAddr, manner: Manner) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if manner == Manner::Shared {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Whether nobody has a UDP socket on any of `addresses`.
pub(crate) fn udp_is_free(addresses: &[SocketAddr]) -> Result<bool> {
    for &address in addresses {
        match UdpSocket::bind(address) {
            Ok(_) => {}
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => return Ok(false),
            Err(source) if is_absent(address, &source) => {}
            Err(source) => {
                return Err(Error::Socket {
                    operation: "bind (UDP)",
                    address,
                    source,
                });
            }
        }
    }
    Ok(true)
}

/// Whether `error` says that the machine has no IPv6, or none on the loopback device.
fn is_absent(address: SocketAddr, error: &io::Error) -> bool {
    /// Linux's number; `io::ErrorKind` has no stable name for it.
    const EAFNOSUPPORT: i32 = 97;
    let unsupported = cfg!(target_os = "linux") && error.raw_os_error() == Some(EAFNOSUPPORT);
    matches!(address.ip(), IpAddr::V6(_))
        && (unsupported
            || matches!(
                error.kind(),
                io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
            ))
}
