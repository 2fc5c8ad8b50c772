//! Packet sockets on veth devices: what comes over a wire from another network namespace is read here,
//! and what is written here goes over it (packet(7)).

#![expect(
    unsafe_code,
    reason = "three socket options and an address that no library has: packet(7)"
)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};

use super::rtnetlink::Index;

/// Packets of every protocol, in network order.
const ALL: u16 = (libc::ETH_P_ALL as u16).to_be();
/// As much as may wait. The kernel cuts it to `net.core.rmem_max`, for users.
const WAITING: usize = 16 << 20;

/// A socket at one end of a wire. Reading from it does not block.
///
/// Before each packet stand a virtio-net header and an Ethernet header. What is written is not read again.
pub(crate) fn open(device: Index) -> io::Result<OwnedFd> {
    // With protocol 0 nothing comes in before it is bound to its device.
    let socket = Socket::new(Domain::PACKET, Type::RAW, None::<Protocol>)?;
    socket.set_nonblocking(true)?;
    let _ = socket.set_recv_buffer_size(WAITING);
    let _ = socket.set_send_buffer_size(WAITING);
    for option in [libc::PACKET_VNET_HDR, libc::PACKET_IGNORE_OUTGOING] {
        switch_on(&socket, option)?;
    }
    // No queue between the socket and the device: as a queueing discipline it has none.
    let _ = switch_on(&socket, libc::PACKET_QDISC_BYPASS);
    socket.bind(&address(device)?)?;
    Ok(socket.into())
}

fn switch_on(socket: &Socket, option: i32) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option reads an `int`, whose address and size are given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `struct sockaddr_ll`: a device, and packets of every protocol.
fn address(device: Index) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: a `sockaddr_ll` is a socket address that fits a storage, and zeros are one.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as u16;
    link.sll_protocol = ALL;
    link.sll_ifindex = i32::try_from(device.raw()).map_err(io::Error::other)?;
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: a whole `sockaddr_ll` was written, of this length.
    Ok(unsafe { SockAddr::new(storage, length) })
}
