//! Ports for doors: below the ephemeral range, and each for one test.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};

use socket2::{Domain, Socket, Type};

/// A port on both loopback addresses, held as a waiter holds it until this is dropped.
pub(crate) struct Reserved {
    pub(crate) number: u16,
    _holds: Vec<Socket>,
}

impl Reserved {
    pub(crate) fn pick() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        // Different processes begin at different places.
        let start = u16::try_from(std::process::id() % 900).expect("small") * 10;
        for _ in 0..5000 {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = 20_000 + (start + step) % 9000;
            if let Some(holds) = reserve(number) {
                return Self {
                    number,
                    _holds: holds,
                };
            }
        }
        panic!("no free port between 20000 and 29000");
    }
}

fn reserve(port: u16) -> Option<Vec<Socket>> {
    let addresses: [SocketAddr; 2] = [
        (Ipv4Addr::LOCALHOST, port).into(),
        (Ipv6Addr::LOCALHOST, port).into(),
    ];
    // Without any option first: this fails if anyone at all has the port.
    for address in addresses {
        bind(address, false)?;
    }
    addresses.into_iter().map(|address| bind(address, true)).collect()
}

fn bind(address: SocketAddr, shared: bool) -> Option<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).ok()?;
    socket.set_reuse_address(shared).ok()?;
    socket.set_reuse_port(shared).ok()?;
    socket.bind(&address.into()).ok()?;
    Some(socket)
}
