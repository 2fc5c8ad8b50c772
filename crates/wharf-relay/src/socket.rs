//! What is asked of sockets beyond reading and writing.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use socket2::{Domain, SockRef, Socket, Type};
use wharf_link::Conditions;

/// The receive buffer of a connection whose sender must feel a rate: large enough for loopback's
/// segments of 64 KiB, small enough to be no reservoir.
const BOUNDED: usize = 256 * 1024;

/// Closes with a reset (RFC 9293, ABORT).
pub(crate) fn abort(stream: TcpStream) {
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}

/// Begins to connect.
pub(crate) fn dial(address: SocketAddr, down: &Conditions) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(size) = receive_buffer(down) {
        socket.set_recv_buffer_size(size)?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

/// What became of a connect that had begun. `None`: not known yet.
pub(crate) fn dialled(stream: &TcpStream) -> Option<io::Result<()>> {
    match stream.take_error() {
        Ok(Some(error)) | Err(error) => return Some(Err(error)),
        Ok(None) => {}
    }
    match stream.peer_addr() {
        Ok(_) => Some(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => None,
        Err(error) => Some(Err(error)),
    }
}

/// The receive buffer for these conditions. `None`: leave it to the kernel, which adapts it.
pub(crate) fn receive_buffer(conditions: &Conditions) -> Option<usize> {
    conditions.is_limited().then_some(BOUNDED)
}

/// Whether the system is out of descriptors or memory for sockets, which passes.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    let code = error.raw_os_error();
    exhausted.iter().any(|errno| code == Some(errno.raw_os_error()))
}
