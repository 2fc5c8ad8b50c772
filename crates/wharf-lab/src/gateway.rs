//! The gateway: what listens on the host's loopback is reached at the far end of the link.
//!
//! The first packet to a port waits at the [gate](crate::switch::gate) while the kernel's table of
//! sockets is asked whether the host has that port. If so, a socket of the gateway's network takes it from
//! then on, and a relay carries what comes to the host's loopback; if not, nobody takes it, and the
//! gateway's kernel refuses. So nothing is polled, a port is there as soon as its server is, and a closed
//! one refuses as it would at home.
//!
//! The far end of a connection is the kernel's own TCP, behind the link: it meets delay and loss as they
//! are. What comes after it is loopback, without conditions.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use wharf_facts::Socket;
use wharf_host::sockets::{self, States};
use wharf_link::{Conditions, Seed};
use wharf_relay::{DatagramLimits, DatagramSpec, LinkId, LinkSpec, ParkLimits, Provider, Relay};

use crate::channel::Channel;
use crate::message::{Family, FromFar, Wanted};
use crate::switch::gate::{Held, Knock, Open};
use crate::switch::port::Port;

/// For so long an answer about a UDP port holds. About a TCP port each connection asks.
const ANSWER_HOLDS: Duration = Duration::from_secs(1);

/// Which of the host's ports are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Allow {
    /// All.
    #[default]
    All,
    /// These.
    Only(Vec<u16>),
}

impl Allow {
    /// Whether nothing is reached at all.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::Only(Vec::new())
    }

    fn allows(&self, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Only(ports) => ports.contains(&port),
        }
    }
}

/// What the thread that opens ports works with.
pub(crate) struct Gateway {
    /// Sockets come from here.
    pub(crate) far: Channel,
    /// Where packets go that have waited.
    pub(crate) port: Port,
    pub(crate) relay: Relay,
    pub(crate) allow: Allow,
    pub(crate) families: Vec<Family>,
    pub(crate) open: Arc<Open>,
    ports: HashMap<Knock, Gateport>,
}

/// A port of the gateway that has been asked for.
struct Gateport {
    link: LinkId,
    provider: Vec<SocketAddr>,
}

impl Gateway {
    pub(crate) fn new(
        far: Channel,
        port: Port,
        relay: Relay,
        allow: Allow,
        families: Vec<Family>,
        open: Arc<Open>,
    ) -> Self {
        Self {
            far,
            port,
            relay,
            allow,
            families,
            open,
            ports: HashMap::new(),
        }
    }

    /// Opens ports until the switch is gone.
    pub(crate) fn run(mut self, held: &Receiver<Held>) {
        let mut forget = Instant::now() + ANSWER_HOLDS;
        loop {
            let left = forget.saturating_duration_since(Instant::now());
            match held.recv_timeout(left) {
                Ok(held) => {
                    let knock = held.knock;
                    // What cannot be opened is refused by the kernel, as what is not there.
                    let opened = self.answer(knock);
                    // A device that takes no packet has lost it, as a wire would.
                    let _ = self.port.write(&held.header, &held.bytes);
                    if let (Ok(true), Knock::Udp(port)) = (opened, knock) {
                        self.open.set(port);
                    }
                    self.open.written();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            }
            if forget <= Instant::now() {
                self.open.clear();
                forget = Instant::now() + ANSWER_HOLDS;
            }
        }
    }

    /// What has come to the gateway is carried on. The relay answers between two rounds of its events, so
    /// after two answers it has been through all that was there before the first.
    fn finish(&self) {
        for _ in 0..2 {
            let _ = self.relay.all_stats();
        }
    }

    /// Sees to it that a port of the gateway is as the host's is. Whether it is open.
    fn answer(&mut self, knock: Knock) -> io::Result<bool> {
        let provider = self.providers(knock);
        let is_open = !provider.is_empty();
        match self.ports.get_mut(&knock) {
            None if is_open => {
                let link = self.add(knock, provider.clone())?;
                self.ports.insert(knock, Gateport { link, provider });
            }
            None => {}
            Some(port) if port.provider == provider => {}
            Some(port) => {
                port.provider.clone_from(&provider);
                let provider = if is_open {
                    Provider::Ready(provider)
                } else {
                    Provider::Down
                };
                self.relay
                    .set_provider(port.link, provider)
                    .map_err(io::Error::other)?;
            }
        }
        Ok(is_open)
    }

    /// Where on the host's loopback a port is, the likeliest first.
    fn providers(&self, knock: Knock) -> Vec<SocketAddr> {
        let (Knock::Tcp(port) | Knock::Udp(port)) = knock;
        if port == 0 || !self.allow.allows(port) {
            return Vec::new();
        }
        let sockets = match knock {
            Knock::Tcp(_) => sockets::tcp(States::LISTEN),
            Knock::Udp(_) => sockets::udp(),
        };
        let sockets = sockets.unwrap_or_default();
        let found = on_loopback(&sockets, port);
        match self.ports.get(&knock) {
            Some(open) if found.is_empty() && is_connected(&sockets, port) => open.provider.clone(),
            _ => found,
        }
    }

    fn add(&self, knock: Knock, provider: Vec<SocketAddr>) -> io::Result<LinkId> {
        let provider = Provider::Ready(provider);
        match knock {
            Knock::Tcp(port) => {
                let sockets = self.sockets(Wanted::Stream, port)?;
                let spec = LinkSpec {
                    name: format!("gateway:{port}"),
                    listeners: sockets.into_iter().map(Into::into).collect(),
                    provider,
                    up: Conditions::CLEAR,
                    down: Conditions::CLEAR,
                    via: Vec::new(),
                    seed: Seed::default(),
                    park: ParkLimits::default(),
                };
                self.relay.add(spec).map_err(io::Error::other)
            }
            Knock::Udp(port) => {
                let sockets = self.sockets(Wanted::Datagram, port)?;
                let spec = DatagramSpec {
                    name: format!("gateway:{port}/udp"),
                    sockets: sockets.into_iter().map(Into::into).collect(),
                    provider,
                    up: Conditions::CLEAR,
                    down: Conditions::CLEAR,
                    via: Vec::new(),
                    seed: Seed::default(),
                    limits: DatagramLimits::default(),
                };
                self.relay.add_datagrams(spec).map_err(io::Error::other)
            }
        }
    }

    /// A socket of each family, bound to the gateway's address.
    fn sockets(&self, wanted: fn(Family) -> Wanted, port: u16) -> io::Result<Vec<OwnedFd>> {
        let bound = self.families.iter().map(|family| {
            self.far.send(&wanted(*family), &[])?;
            let gone = || io::Error::other("the process that makes sockets is gone");
            let (answer, descriptors) = self.far.receive::<FromFar>()?.ok_or_else(gone)?;
            let socket = match (answer, descriptors.into_iter().next()) {
                (FromFar::Socket, Some(socket)) => socket,
                (FromFar::Failed(trouble), _) => return Err(io::Error::other(trouble.error)),
                _ => return Err(gone()),
            };
            rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
            rustix::net::bind(&socket, &SocketAddr::new(family.gateway(), port))?;
            Ok(socket)
        });
        bound.collect()
    }
}

/// Whether the host has connected a UDP socket of this port to somebody on its loopback. A server may
/// connect the socket by which a client reached it, and have no other (iperf3 does): it is there for
/// that client, though for nobody new. The kernel shows connections of TCP elsewhere.
fn is_connected(sockets: &[Socket], port: u16) -> bool {
    sockets.iter().any(|socket| {
        socket.local.port() == port && socket.remote.port() != 0 && socket.remote.ip().is_loopback()
    })
}

/// At which loopback addresses a port is open.
fn on_loopback(sockets: &[Socket], port: u16) -> Vec<SocketAddr> {
    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let mut addresses: Vec<IpAddr> = Vec::new();
    for socket in sockets {
        if socket.local.port() != port || socket.remote.port() != 0 {
            continue;
        }
        match socket.local.ip().to_canonical() {
            IpAddr::V4(address) if address.is_unspecified() => addresses.push(V4),
            // Whether it takes IPv4 too is asked of it by trying.
            IpAddr::V6(address) if address.is_unspecified() => addresses.extend([V6, V4]),
            address if address.is_loopback() => addresses.push(address),
            _ => {}
        }
    }
    addresses.sort_unstable_by_key(|address| (*address != V4, *address != V6, *address));
    addresses.dedup();
    // An IPv6 wildcard alone: IPv6 is sure to be taken, IPv4 may not be.
    let v4_is_sure = sockets.iter().any(|socket| {
        let ip = socket.local.ip().to_canonical();
        socket.local.port() == port && ip.is_ipv4()
    });
    if !v4_is_sure {
        addresses.sort_by_key(|address| *address != V6);
    }
    addresses
        .into_iter()
        .map(|address| SocketAddr::new(address, port))
        .collect()
}
