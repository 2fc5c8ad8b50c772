//! One socket of the kernel's table.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A socket, as the kernel tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Socket {
    /// The transport it speaks.
    pub protocol: Protocol,
    /// Its state. A UDP socket is [`TcpState::Established`] when connected and
    /// [`TcpState::Close`] when not: the kernel uses TCP's numbers for both.
    pub state: TcpState,
    /// The address it is bound to.
    pub local: SocketAddr,
    /// The far end; the unspecified address and port 0 where there is none.
    #[serde(default = "no_remote")]
    pub remote: SocketAddr,
    /// The user who made it. 0 also stands for "nobody any more" when `inode` is 0.
    pub uid: u32,
    /// The number of its inode; 0 when no process has it open (TIME_WAIT, an orphan that is
    /// still sending).
    pub inode: u64,
    /// The cgroup in which it was made, where the kernel says.
    #[serde(default)]
    pub cgroup: Option<u64>,
    /// Whether an IPv6 socket refuses IPv4, where the kernel says.
    #[serde(default)]
    pub v6only: Option<bool>,
    /// The interface it is bound to (SO_BINDTODEVICE), by number.
    #[serde(default)]
    pub interface: Option<u32>,
    /// Bytes that wait to be read; for a listener, connections that wait to be accepted.
    #[serde(default)]
    pub receive_queue: u32,
    /// Bytes that wait to be sent or acknowledged; for a listener, the length of its backlog.
    #[serde(default)]
    pub send_queue: u32,
}

fn no_remote() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 0))
}

impl Socket {
    /// Whether a connection to `target` would end at this socket: the port is the same and the
    /// bound address is `target`'s, or the unspecified one of a family that covers it.
    #[must_use]
    pub fn covers(&self, target: SocketAddr) -> bool {
        if self.local.port() != target.port() {
            return false;
        }
        let target = target.ip().to_canonical();
        match self.local.ip() {
            IpAddr::V6(bound) if bound.is_unspecified() => {
                // Unknown is taken as the kernel's default, which is both families.
                target.is_ipv6() || self.v6only != Some(true)
            }
            bound if bound.is_unspecified() => target.is_ipv4(),
            bound => bound.to_canonical() == target,
        }
    }
}

/// The transport of a [`Socket`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A state of a TCP socket, with the kernel's numbers (`include/net/tcp_states.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum TcpState {
    /// A connection that carries data.
    Established = 1,
    /// A connect() that waits for its answer.
    SynSent = 2,
    /// A connection half made, at the listener.
    SynReceived = 3,
    /// Closed here, not acknowledged yet.
    FinWait1 = 4,
    /// Closed here, still open there.
    FinWait2 = 5,
    /// Closed everywhere; its addresses rest for a minute.
    TimeWait = 6,
    /// Not connected, not listening.
    Close = 7,
    /// Closed there, still open here: the program has yet to notice.
    CloseWait = 8,
    /// Closed there and then here, not acknowledged yet.
    LastAck = 9,
    /// Waiting for connections.
    Listen = 10,
    /// Closed at both ends at once.
    Closing = 11,
    /// A connection half made, as the kernel keeps it since Linux 4.4.
    NewSynReceived = 12,
    /// Bound to a port and neither listening nor connected: what a hold is. Told of only by
    /// Linux 6.8 and later.
    BoundInactive = 13,
}

impl TcpState {
    /// Every state, in the order of the kernel's numbers.
    pub const ALL: [Self; 13] = [
        Self::Established,
        Self::SynSent,
        Self::SynReceived,
        Self::FinWait1,
        Self::FinWait2,
        Self::TimeWait,
        Self::Close,
        Self::CloseWait,
        Self::LastAck,
        Self::Listen,
        Self::Closing,
        Self::NewSynReceived,
        Self::BoundInactive,
    ];

    /// The kernel's number for this state.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl TryFrom<u8> for TcpState {
    type Error = UnknownState;

    fn try_from(number: u8) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.number() == number)
            .ok_or(UnknownState(number))
    }
}

impl fmt::Display for TcpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Established => "ESTABLISHED",
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECV",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::Listen => "LISTEN",
            Self::Closing => "CLOSING",
            Self::NewSynReceived => "NEW_SYN_RECV",
            Self::BoundInactive => "BOUND",
        })
    }
}

/// A number that no TCP state known to us has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown TCP state {0}")]
pub struct UnknownState(pub u8);

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(local: &str, v6only: Option<bool>) -> Socket {
        Socket {
            protocol: Protocol::Tcp,
            state: TcpState::Listen,
            local: local.parse().expect("an address"),
            remote: "0.0.0.0:0".parse().expect("an address"),
            uid: 0,
            inode: 1,
            cgroup: None,
            v6only,
            interface: None,
            receive_queue: 0,
            send_queue: 0,
        }
    }

    #[track_caller]
    fn check(local: &str, v6only: Option<bool>, target: &str, expected: bool) {
        let target = target.parse().expect("an address");
        assert_eq!(
            listener(local, v6only).covers(target),
            expected,
            "{local} {target}"
        );
    }

    #[test]
    fn a_listener_covers_what_it_is_bound_to() {
        check("127.0.0.1:80", None, "127.0.0.1:80", true);
        check("127.0.0.1:80", None, "127.0.0.1:81", false);
        check("127.0.0.1:80", None, "127.0.0.2:80", false);
        check("127.0.0.1:80", None, "[::1]:80", false);
        check("0.0.0.0:80", None, "127.0.0.1:80", true);
        check("0.0.0.0:80", None, "[::1]:80", false);
        check("[::]:80", Some(false), "127.0.0.1:80", true);
        check("[::]:80", None, "127.0.0.1:80", true);
        check("[::]:80", Some(true), "127.0.0.1:80", false);
        check("[::]:80", Some(true), "[::1]:80", true);
        check("[::ffff:127.0.0.1]:80", Some(false), "127.0.0.1:80", true);
    }

    #[test]
    fn states_keep_the_kernels_numbers() {
        for state in TcpState::ALL {
            assert_eq!(TcpState::try_from(state.number()), Ok(state));
        }
        assert_eq!(TcpState::Listen.number(), 10);
        assert_eq!(TcpState::try_from(0), Err(UnknownState(0)));
        assert_eq!(TcpState::try_from(14), Err(UnknownState(14)));
    }
}
