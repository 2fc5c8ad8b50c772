//! The door's two addresses: held by bind, and made to listen when it is our turn.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{Lost, WhoHas};

/// The queue of connections that are not accepted yet (the kernel cuts it to `somaxconn`).
const BACKLOG: i32 = 1024;
/// The dead owner's sockets close one by one with its lock; its listener may outlive the lock by a moment.
const TAKEOVER_PATIENCE: Duration = Duration::from_millis(100);
const TAKEOVER_STEP: Duration = Duration::from_millis(2);

/// Both addresses of the door, each with its socket or the reason why there is none.
#[derive(Debug)]
pub(crate) struct Holds([(SocketAddr, io::Result<Socket>); 2]);

impl Holds {
    /// Binds both, or as many as can be had.
    pub(crate) fn take(port: u16) -> Self {
        Self(addresses(port).map(|address| (address, hold(address))))
    }

    /// Makes the sockets listen. What cannot be had is named.
    pub(crate) fn listen(self, who_has: Option<&dyn WhoHas>) -> (Vec<TcpListener>, Vec<Lost>) {
        let mut listeners = Vec::new();
        let mut lost = Vec::new();
        let until = Instant::now() + TAKEOVER_PATIENCE;
        for (address, held) in self.0 {
            // What could not be held when we came may be free now.
            match held
                .or_else(|_| hold(address))
                .and_then(|socket| listen(socket, until))
            {
                Ok(listener) => listeners.push(listener),
                Err(error) => lost.push(name(address, &error, who_has)),
            }
        }
        (listeners, lost)
    }
}

/// Both loopback addresses, as addresses: the name `localhost` may mean anything.
pub(crate) fn addresses(port: u16) -> [SocketAddr; 2] {
    [
        (Ipv4Addr::LOCALHOST, port).into(),
        (Ipv6Addr::LOCALHOST, port).into(),
    ]
}

/// Binds without listening. `SO_REUSEPORT` lets us bind beside the listening owner (which has it too and the same
/// user); `SO_REUSEADDR` lets us bind beside the connections of an owner that has died. socket2 sets close-on-exec.
fn hold(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// With `SO_REUSEPORT`, `listen()` would succeed beside a stranger of the same user, and the kernel would give each
/// a share of the connections. It is checked at `listen()` (Linux: `inet_csk_listen_start` asks for the port
/// again), so we take it off for that call, and put it on again so that waiters can bind beside us.
fn listen(socket: Socket, until: Instant) -> io::Result<TcpListener> {
    socket.set_reuse_port(false)?;
    loop {
        match socket.listen(BACKLOG) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < until => {
                thread::sleep(TAKEOVER_STEP);
            }
            Err(error) => return Err(error),
        }
    }
    socket.set_reuse_port(true)?;
    Ok(socket.into())
}

fn name(address: SocketAddr, error: &io::Error, who_has: Option<&dyn WhoHas>) -> Lost {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => match who_has.and_then(|host| host.who_has(address)) {
            Some(owner) => format!("address in use by {owner}"),
            None => "address in use".to_owned(),
        },
        io::ErrorKind::AddrNotAvailable => "this system has no such address".to_owned(),
        _ => error.to_string(),
    };
    Lost { address, why }
}
