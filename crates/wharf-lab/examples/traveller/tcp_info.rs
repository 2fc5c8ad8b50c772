//! What the kernel knows of a connection (`TCP_INFO`, tcp(7)).

#![expect(unsafe_code, reason = "a socket option that no library has")]

use std::io;
use std::mem::{offset_of, zeroed};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

pub(crate) fn of(stream: &TcpStream) -> io::Result<libc::tcp_info> {
    // SAFETY: all of it is numbers, of which zeros are valid.
    let mut info: libc::tcp_info = unsafe { zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of what the pointer is to.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    // The last of those that are read here. It came with Linux 4.19.
    let least = offset_of!(libc::tcp_info, tcpi_reord_seen) + size_of::<u32>();
    match result {
        0 if length as usize >= least => Ok(info),
        0 => Err(io::Error::other(
            "read tcp_info: this kernel does not count reordering",
        )),
        _ => Err(io::Error::last_os_error()),
    }
}
