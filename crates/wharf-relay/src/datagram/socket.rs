//! A UDP socket that takes and gives many datagrams at a time, with their ECN marks.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use mio::{Interest, Registry, Token};
use quinn_udp::{EcnCodepoint, Transmit, UdpSocketState};
use socket2::{Domain, SockRef, Socket as AnySocket, Type};

use super::batch::Batch;

/// How much the kernel may hold for us. It is a limit and not a reserve, and lasts for a burst.
const RECEIVE_BUFFER: usize = 4 << 20;

#[derive(Debug)]
pub(crate) struct Socket {
    io: mio::net::UdpSocket,
    state: UdpSocketState,
}

impl Socket {
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
        #[cfg(target_os = "linux")]
        suit_a_link(&socket);
        Ok(Self {
            io: mio::net::UdpSocket::from_std(socket),
            state,
        })
    }

    /// A socket of its own towards one address. The kernel tells it when nobody is there.
    pub(crate) fn towards(address: SocketAddr) -> io::Result<Self> {
        let socket = AnySocket::new(Domain::for_address(address), Type::DGRAM, None)?;
        socket.connect(&address.into())?;
        Self::new(socket.into())
    }

    pub(crate) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.io, token, Interest::READABLE)
    }

    /// Has the kernel refuse whatever comes, and keeps the port: a socket that is connected takes
    /// datagrams from its peer alone (`compute_score` in net/ipv4/udp.c), so others get "port
    /// unreachable" (RFC 1122, 4.1.3.1). Its peer is itself, which sends it nothing.
    pub(crate) fn refuse(&self, own: SocketAddr) -> io::Result<()> {
        rustix::net::connect(&self.io, &own).map_err(Into::into)
    }

    /// Takes datagrams again.
    pub(crate) fn welcome(&self, own: SocketAddr) -> io::Result<()> {
        rustix::net::connect_unspec(&self.io)?;
        // Linux takes the port away from a socket that had been bound to port 0 (`__udp_disconnect`
        // in net/ipv4/udp.c); one that is still bound answers EINVAL.
        match rustix::net::bind(&self.io, &own) {
            Ok(()) | Err(rustix::io::Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn receive(&self, batch: &mut Batch) -> io::Result<usize> {
        batch.fill(|slices, metas| self.state.recv((&self.io).into(), slices, metas))
    }

    /// Whether the kernel takes trains, to cut them itself (GSO).
    pub(crate) fn cuts_trains(&self) -> bool {
        self.state.max_gso_segments() > 1
    }

    /// Sends one datagram, or several of `segment` bytes (the last may be shorter).
    pub(crate) fn send(
        &self,
        destination: SocketAddr,
        ecn: Option<EcnCodepoint>,
        contents: &[u8],
        segment: Option<usize>,
    ) -> io::Result<()> {
        let transmit = Transmit {
            destination,
            ecn,
            contents,
            segment_size: segment,
            src_ip: None,
        };
        self.state.try_send((&self.io).into(), &transmit)
    }
}

/// Takes back what `UdpSocketState` sets for QUIC. It forbids fragments, and a link carries what others
/// send. And it asks where datagrams were sent to, which a socket with one address need not: with
/// that, the mark of a train would not fit behind its length and time in the room that there is for
/// control messages.
#[cfg(target_os = "linux")]
fn suit_a_link(socket: &UdpSocket) {
    use nix::sys::socket::{setsockopt, sockopt};
    use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
    use rustix::net::sockopt::{set_ip_mtu_discover, set_ipv6_mtu_discover};
    // Each is refused by sockets of the other family.
    let _ = set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::WANT);
    let _ = set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::WANT);
    let _ = setsockopt(socket, sockopt::Ipv6DontFrag, &false);
    let _ = setsockopt(socket, sockopt::Ipv4PacketInfo, &false);
    let _ = setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &false);
}
