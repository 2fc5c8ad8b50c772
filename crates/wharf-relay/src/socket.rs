//! What is asked of sockets beyond reading and writing.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use socket2::{Domain, SockRef, Socket, Type};
use wharf_link::Conditions;

/// The receive buffer of a connection whose sender must feel a rate: large enough for loopback's
/// segments of 64 KiB, small enough to be no reservoir.
const BOUNDED: usize = 256 * 1024;

/// The buffers of a connection with this machine itself. The kernel lets them grow with what a reader
/// takes in a round trip, to megabytes, and then each byte has left the caches before it is read: it
/// costs half as much again. What a loopback has under way in a round trip is far less.
const LOCAL: usize = 512 * 1024;

/// The congestion control of a connection with this machine itself. There is no congestion on a
/// loopback, and nothing is to be paced, as others (BBR) do by timers. Any user may choose this one.
#[cfg(target_os = "linux")]
const LOCAL_CONTROL: &[u8] = b"reno";

/// Closes with a reset (RFC 9293, ABORT).
pub(crate) fn abort(stream: TcpStream) {
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}

/// Begins to connect.
pub(crate) fn dial(address: SocketAddr, down: &Conditions) -> io::Result<TcpStream> {
    let socket = fresh(address)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(size) = receive_buffer(down, address) {
        socket.set_recv_buffer_size(size)?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

/// A socket that does not block from its birth.
#[cfg(target_os = "linux")]
fn fresh(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)
}

/// A socket that does not block.
#[cfg(not(target_os = "linux"))]
fn fresh(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// What became of a connect that had begun. `None`: not known yet.
pub(crate) fn dialled(stream: &TcpStream, event: &Event) -> Option<io::Result<()>> {
    // Linux tells of a socket that connects only what has become of it, and of a failure always as an
    // error (`tcp_poll` in net/ipv4/tcp.c). So no other call is needed where all is well.
    if cfg!(target_os = "linux") && event.is_writable() && !event.is_error() && !event.is_write_closed() {
        return Some(Ok(()));
    }
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

/// The receive buffer for these conditions, of a connection with that address. `None`: leave it to the
/// kernel, which adapts it.
pub(crate) fn receive_buffer(conditions: &Conditions, peer: SocketAddr) -> Option<usize> {
    match (conditions.is_limited(), peer.ip().is_loopback()) {
        (true, _) => Some(BOUNDED),
        (false, true) => Some(LOCAL),
        (false, false) => None,
    }
}

/// Prepares a socket to send much, if its peer is this machine itself.
pub(crate) fn prepare_for_bulk(stream: &TcpStream) {
    if stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()) {
        prepare_local(&SockRef::from(stream));
    }
}

/// Prepares a socket to send to this machine itself, or a listener, for those that come of it. Whatever
/// of it is refused stays as it was, and serves too.
pub(crate) fn prepare_local(socket: &SockRef<'_>) {
    let _ = socket.set_send_buffer_size(LOCAL);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_congestion(LOCAL_CONTROL);
}

/// Whether the system is out of descriptors or memory for sockets, which passes.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    let code = error.raw_os_error();
    exhausted.iter().any(|errno| code == Some(errno.raw_os_error()))
}
