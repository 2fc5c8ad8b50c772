//! A listener that can stop listening and keep its port.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpListener;
use rustix::net::Shutdown;
use socket2::SockRef;
use wharf_link::Conditions;

use crate::socket;

/// How many connections the kernel may hold for us; it cuts this to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// One listener of a link.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) link: u32,
    pub(crate) address: SocketAddr,
    /// Whether there may be connections to accept.
    pub(crate) pending: bool,
    /// Whether accepting is put off for lack of descriptors.
    pub(crate) resting: bool,
}

impl Listener {
    pub(crate) fn new(front: std::net::TcpListener, link: u32) -> io::Result<Self> {
        let address = front.local_addr()?;
        front.set_nonblocking(true)?;
        // Accepted sockets inherit it (on Linux; elsewhere it is set again on each).
        let options = SockRef::from(&front);
        options.set_tcp_nodelay(true)?;
        if address.ip().is_loopback() {
            socket::prepare_local(&options);
        }
        Ok(Self {
            socket: TcpListener::from_std(front),
            link,
            address,
            pending: false,
            resting: false,
        })
    }

    /// Listens, also again.
    pub(crate) fn open(&self) -> io::Result<()> {
        rustix::net::listen(&self.socket, BACKLOG).map_err(Into::into)
    }

    /// Stops listening: whoever connects is refused. The port stays ours.
    pub(crate) fn close(&self) -> io::Result<()> {
        // shutdown() of a socket that does not listen marks it as shut all the same (`inet_shutdown` in
        // net/ipv4/af_inet.c), and every connection that it accepts later begins at its end.
        if !rustix::net::sockopt::socket_acceptconn(&self.socket)? {
            return Ok(());
        }
        match rustix::net::shutdown(&self.socket, Shutdown::Both) {
            // It was not listening.
            Ok(()) | Err(rustix::io::Errno::NOTCONN) => {}
            Err(error) => return Err(error.into()),
        }
        // Linux takes the port away from a socket that had been bound to port 0 (tcp_set_state in
        // net/ipv4/tcp.c: only SOCK_BINDPORT_LOCK keeps it), and getsockname() does not tell. So it is
        // bound once more, by number; a socket that is still bound answers EINVAL.
        match rustix::net::bind(&self.socket, &self.address) {
            Ok(()) | Err(rustix::io::Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Bounds the receive buffers of what is accepted from now on, which inherits them. What has
    /// been bounded can't be left to the kernel again, so it gets the most the kernel gives.
    pub(crate) fn bound_buffers(&self, up: &Conditions, before: &Conditions) {
        let size = |conditions| socket::receive_buffer(conditions, self.address);
        let size = match (size(up), size(before)) {
            (Some(size), _) => size,
            (None, Some(_)) => usize::try_from(i32::MAX / 2).unwrap_or(usize::MAX),
            (None, None) => return,
        };
        let _ = SockRef::from(&self.socket).set_recv_buffer_size(size);
    }
}
