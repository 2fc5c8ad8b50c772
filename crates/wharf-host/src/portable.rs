//! Sockets and their owners as the crate `listeners` tells of them: macOS, Windows, the BSDs.
//!
//! It names, for each process, the addresses that it has sockets at, in which state. What it does not
//! tell stays out: the far end of a connection, the user, the queues. On Linux only the tests use this,
//! beside what the kernel says there.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use listeners::SocketState;
use wharf_facts::{Process, Protocol, Socket, TcpState};

use crate::{Error, Result};

/// The user of a socket or a process, where no user is told: no system gives this number to one.
pub(crate) const UNKNOWN_USER: u32 = u32::MAX;

/// A socket, and all processes that have one at its address. Two that share an address cannot be told
/// from one that two share.
pub(crate) struct Entry {
    pub(crate) socket: Socket,
    pub(crate) owners: BTreeMap<u32, Program>,
}

/// What a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: String,
}

impl Program {
    /// The name card of the process `pid` that runs this. Its start is not told, and so is 0.
    pub(crate) fn card(&self, pid: u32) -> Process {
        Process {
            pid,
            start_time: 0,
            name: self.name.clone(),
            command: vec![self.path.clone()],
            cwd: None,
            uid: UNKNOWN_USER,
        }
    }
}

/// The sockets of this machine, as far as this process may see.
///
/// # Errors
/// When they cannot be listed.
pub(crate) fn entries() -> Result<Vec<Entry>> {
    // Never its `get_process_by_port`, which takes the first socket in whatever state.
    let rows = listeners::get_all().map_err(|error| Error::Library {
        operation: "list sockets",
        detail: error.to_string(),
    })?;
    let mut found: BTreeMap<(Protocol, SocketAddr, TcpState), BTreeMap<u32, Program>> = BTreeMap::new();
    for row in rows {
        let (protocol, state) = match row.protocol {
            listeners::Protocol::TCP => (Protocol::Tcp, state(row.state)),
            listeners::Protocol::UDP => (Protocol::Udp, TcpState::Close),
        };
        let program = Program {
            name: row.process.name,
            path: row.process.path,
        };
        let owners = found.entry((protocol, row.socket, state)).or_default();
        owners.insert(row.process.pid, program);
    }
    Ok(found
        .into_iter()
        .map(|((protocol, local, state), owners)| Entry {
            socket: socket(protocol, local, state),
            owners,
        })
        .collect())
}

fn socket(protocol: Protocol, local: SocketAddr, state: TcpState) -> Socket {
    let nowhere = match local {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    // No number of the system's: one made of the address, so that two listings agree.
    let mut hasher = DefaultHasher::new();
    (protocol, local, state).hash(&mut hasher);
    Socket {
        protocol,
        state,
        local,
        remote: SocketAddr::new(nowhere, 0),
        uid: UNKNOWN_USER,
        inode: hasher.finish().max(1),
        cgroup: None,
        v6only: None,
        interface: None,
        receive_queue: 0,
        send_queue: 0,
    }
}

fn state(state: SocketState) -> TcpState {
    match state {
        SocketState::Established => TcpState::Established,
        SocketState::SynSent => TcpState::SynSent,
        SocketState::SynReceived => TcpState::SynReceived,
        SocketState::FinWait1 => TcpState::FinWait1,
        SocketState::FinWait2 => TcpState::FinWait2,
        SocketState::TimeWait => TcpState::TimeWait,
        SocketState::CloseWait => TcpState::CloseWait,
        SocketState::LastAck => TcpState::LastAck,
        SocketState::Listen => TcpState::Listen,
        SocketState::Closing => TcpState::Closing,
        SocketState::Closed | SocketState::Unknown => TcpState::Close,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn what_is_listed_agrees_with_the_kernel() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("bind");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let all = entries().expect("a listing");
        let again = entries().expect("a listing");
        for (protocol, address, state) in [
            (Protocol::Tcp, tcp.local_addr(), TcpState::Listen),
            (Protocol::Udp, udp.local_addr(), TcpState::Close),
        ] {
            let expected = socket(protocol, address.expect("an address"), state);
            let entry = all.iter().find(|entry| entry.socket == expected).expect("it");
            let me = entry.owners.get(&std::process::id()).expect("our own");
            let program = std::env::current_exe().expect("this binary");
            assert_eq!(me.card(1).command, [program.display().to_string()]);
            assert!(
                again.iter().any(|entry| entry.socket == expected),
                "another number"
            );
        }
    }
}
