//! The kernel's table of sockets.

use std::net::SocketAddr;
use std::ops::BitOr;

use wharf_facts::{Protocol, Socket, TcpState};

use crate::{Result, platform};

/// A set of TCP states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u32);

impl States {
    /// Every state that Wharf knows.
    pub const ALL: Self = Self(0b11_1111_1111_1110);
    /// Sockets that wait for connections.
    pub const LISTEN: Self = Self::only(TcpState::Listen);
    /// Connections that carry data.
    pub const ESTABLISHED: Self = Self::only(TcpState::Established);
    /// Sockets that hold a port without listening. Kernels before 6.8 do not tell of them.
    pub const BOUND_INACTIVE: Self = Self::only(TcpState::BoundInactive);

    /// The set of one state.
    #[must_use]
    pub const fn only(state: TcpState) -> Self {
        Self(1 << state as u8)
    }

    /// Whether `state` is in the set.
    #[must_use]
    pub fn contains(self, state: TcpState) -> bool {
        self.0 & Self::only(state).0 != 0
    }

    /// The kernel's form: bit n for state n.
    #[cfg(target_os = "linux")]
    pub(crate) fn bits(self) -> u32 {
        self.0
    }
}

impl BitOr for States {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The TCP sockets in one of `states`, IPv4's first and then IPv6's.
///
/// # Errors
/// When the kernel cannot be asked, or answers what cannot be read.
pub fn tcp(states: States) -> Result<Vec<Socket>> {
    platform::sockets(Protocol::Tcp, states)
}

/// The TCP sockets that wait for connections, of both families.
///
/// # Errors
/// As [`tcp`].
pub fn listeners() -> Result<Vec<Socket>> {
    tcp(States::LISTEN)
}

/// The UDP sockets, of both families.
///
/// # Errors
/// As [`tcp`].
pub fn udp() -> Result<Vec<Socket>> {
    platform::sockets(Protocol::Udp, States::ALL)
}

/// Whose the far end of a loopback connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerUid {
    /// The peer's socket is open and was made by this user.
    Known(u32),
    /// It was not found, is not open any more, is on another machine, or the kernel could not be
    /// asked. Who decides by this must refuse.
    Unknown,
}

impl PeerUid {
    /// Whether it is known to be the user whom this process runs as.
    #[must_use]
    pub fn is_own(self) -> bool {
        self == PeerUid::Known(rustix::process::getuid().as_raw())
    }
}

/// The user behind the far end of a connection whose two ends are both on this machine: `local`
/// is the server's end, `peer` the client's.
///
/// One question for exactly that socket. Only one with an inode counts, which is a socket that a process
/// has open: one that has been closed shows user 0, whoever it was. A peer that has said all it has to
/// say (`shutdown`) still has its socket open for the answer.
#[must_use]
pub fn peer_uid(local: SocketAddr, peer: SocketAddr) -> PeerUid {
    // Seen from the client, its own address is the local one.
    let Ok(Some(socket)) = platform::tcp_connection(peer, local) else {
        return PeerUid::Unknown;
    };
    let canonical = |address: SocketAddr| (address.ip().to_canonical(), address.port());
    // The kernel's look-up falls back to a listener on the same port: compare every part.
    let open = [TcpState::Established, TcpState::FinWait1, TcpState::FinWait2];
    let is_the_one = open.contains(&socket.state)
        && socket.inode != 0
        && canonical(socket.local) == canonical(peer)
        && canonical(socket.remote) == canonical(local);
    if is_the_one {
        PeerUid::Known(socket.uid)
    } else {
        PeerUid::Unknown
    }
}
