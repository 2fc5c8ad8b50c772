//! The control socket: how every other `wharf` command speaks with a running stack.
//!
//! One request a connection, as a line of JSON; one answer, or a stream of them, as lines.
//! The socket is 0600 in a 0700 directory, and both ends check that the other is the same
//! user (`SO_PEERCRED`, unix(7)): a server because its caller may do everything, a client
//! because whoever stole the path would be told everything.

mod client;
mod protocol;
mod server;
#[cfg(test)]
mod tests;

pub use client::{Client, ControlError};
pub use protocol::{
    Change, Entrance, LabStatus, LinkStatus, LogQuery, PacketFigures, PortStatus, Refusal, Reply, Request,
    SegmentStatus, ServiceStatus, StackStatus,
};
pub(crate) use server::{Call, Serving, listen};

/// Whether the process at the other end of a Unix socket is of the same user.
fn is_same_user(socket: &std::os::unix::net::UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(socket).is_ok_and(|peer| peer.uid == rustix::process::getuid())
}
