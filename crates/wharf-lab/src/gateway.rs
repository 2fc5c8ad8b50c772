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
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use wharf_facts::{Protocol, Socket};
use wharf_host::sockets::{self, States};
use wharf_link::{Conditions, Seed};
use wharf_relay::{DatagramLimits, DatagramSpec, LinkId, LinkSpec, ParkLimits, Provider, Relay};

use crate::message::{Family, Wanted};
use crate::switch::gate::{Held, Knock, Open};
use crate::switch::port::Port;

/// For so long an answer about a UDP port holds. About a TCP port each connection asks.
const ANSWER_HOLDS: Duration = Duration::from_secs(1);

/// Fewer ports than these are not looked through for those that are closed.
const TIDY_FROM: usize = 64;

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

/// Whose loopback is behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Another network's: nobody but a gateway has the address.
    Another,
    /// That of the address's own network: who listens there on every address has it already.
    Own,
}

/// Makes sockets of a network.
pub(crate) type MakeSocket = Box<dyn FnMut(Wanted) -> io::Result<OwnedFd> + Send>;

/// Addresses whose ports are those of a loopback: the loopback of whoever calls, and of the relay's thread.
pub(crate) struct Gateway {
    addresses: Vec<IpAddr>,
    behind: Behind,
    make: MakeSocket,
    relay: Relay,
    allow: Allow,
    ports: HashMap<Knock, Gateport>,
    /// With so many it is looked whether all are still needed.
    tidy_at: usize,
}

/// A port of the gateway that has been asked for.
struct Gateport {
    link: LinkId,
    provider: Vec<SocketAddr>,
}

impl Gateway {
    pub(crate) fn new(
        addresses: Vec<IpAddr>,
        behind: Behind,
        make: MakeSocket,
        relay: Relay,
        allow: Allow,
    ) -> Self {
        Self {
            addresses,
            behind,
            make,
            relay,
            allow,
            ports: HashMap::new(),
            tidy_at: TIDY_FROM,
        }
    }

    /// The ports that it carries on, and to which something listens.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let open = self.ports.iter().filter(|(_, port)| !port.provider.is_empty());
        open.map(|(Knock::Tcp(port) | Knock::Udp(port), _)| *port)
            .collect()
    }

    /// Whether it is the one who listens there.
    pub(crate) fn has(&self, protocol: Protocol, local: SocketAddr) -> bool {
        let knock = match protocol {
            Protocol::Tcp => Knock::Tcp(local.port()),
            Protocol::Udp => Knock::Udp(local.port()),
        };
        self.addresses.contains(&local.ip()) && self.ports.contains_key(&knock)
    }

    pub(crate) fn relay(&self) -> &Relay {
        &self.relay
    }

    /// What has come to the gateway is carried on. The relay answers between two rounds of its events, so
    /// after two answers it has been through all that was there before the first.
    pub(crate) fn finish(&self) {
        for _ in 0..2 {
            let _ = self.relay.all_stats();
        }
    }

    /// Sees to it that a port of the gateway is as the host's is. Whether it is open.
    pub(crate) fn answer(&mut self, knock: Knock) -> io::Result<bool> {
        let (provider, is_taken) = self.providers(knock);
        if is_taken {
            // Whoever has the port at the address itself needs no one.
            if let Some(port) = self.ports.remove(&knock) {
                self.relay.remove(port.link).map_err(io::Error::other)?;
            }
            return Ok(true);
        }
        let is_open = !provider.is_empty();
        if !is_open {
            self.close(knock)?;
        } else if let Some(port) = self.ports.get_mut(&knock) {
            if port.provider != provider {
                port.provider.clone_from(&provider);
                self.relay
                    .set_provider(port.link, Provider::Ready(provider))
                    .map_err(io::Error::other)?;
            }
        } else {
            if self.ports.len() >= self.tidy_at {
                self.tidy()?;
            }
            let link = self.add(knock, provider.clone())?;
            self.ports.insert(knock, Gateport { link, provider });
        }
        Ok(is_open)
    }

    /// The host does not have this port any more. Its link goes, unless something is still connected:
    /// then it takes nothing new, and goes later.
    fn close(&mut self, knock: Knock) -> io::Result<()> {
        let Some(port) = self.ports.get_mut(&knock) else {
            return Ok(());
        };
        let stats = self.relay.stats(port.link).map_err(io::Error::other)?;
        if stats.connections == 0 {
            self.relay.remove(port.link).map_err(io::Error::other)?;
            self.ports.remove(&knock);
        } else if !port.provider.is_empty() {
            port.provider.clear();
            self.relay
                .set_provider(port.link, Provider::Down)
                .map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Closes what the host has no more and nobody asked for since. It is done whenever twice as many ports
    /// are there as were left the last time: so they are not many more than are in use, and nothing is polled.
    fn tidy(&mut self) -> io::Result<()> {
        let (Ok(streams), Ok(datagrams)) = (sockets::tcp(States::LISTEN), sockets::udp()) else {
            // What can't be seen is not gone.
            return Ok(());
        };
        let mut gone: Vec<Knock> = self.ports.keys().copied().collect();
        gone.retain(|knock| match knock {
            Knock::Tcp(port) => on_loopback(&streams, *port).is_empty(),
            Knock::Udp(port) => on_loopback(&datagrams, *port).is_empty() && !is_connected(&datagrams, *port),
        });
        for knock in gone {
            self.close(knock)?;
        }
        self.tidy_at = (self.ports.len() * 2).max(TIDY_FROM);
        Ok(())
    }

    /// Where on the loopback a port is, the likeliest first; and whether somebody else has it at one of the
    /// addresses.
    fn providers(&self, knock: Knock) -> (Vec<SocketAddr>, bool) {
        let (Knock::Tcp(port) | Knock::Udp(port)) = knock;
        if port == 0 || !self.allow.allows(port) {
            return (Vec::new(), false);
        }
        let sockets = match knock {
            Knock::Tcp(_) => sockets::tcp(States::LISTEN),
            Knock::Udp(_) => sockets::udp(),
        };
        let sockets = sockets.unwrap_or_default();
        let is_ours = self.ports.contains_key(&knock);
        let is_at = |socket: &Socket| {
            let address = socket.local.ip();
            let is_there = address.is_unspecified() || !is_ours && self.addresses.contains(&address);
            socket.local.port() == port && socket.remote.port() == 0 && is_there
        };
        let is_taken = self.behind == Behind::Own && sockets.iter().any(is_at);
        let found = on_loopback(&sockets, port);
        let found = match self.ports.get(&knock) {
            Some(open) if found.is_empty() && is_connected(&sockets, port) => open.provider.clone(),
            _ => found,
        };
        (found, is_taken)
    }

    fn add(&mut self, knock: Knock, provider: Vec<SocketAddr>) -> io::Result<LinkId> {
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

    /// A socket for each address, bound to it.
    fn sockets(&mut self, wanted: fn(Family) -> Wanted, port: u16) -> io::Result<Vec<OwnedFd>> {
        let Self { addresses, make, .. } = self;
        let bound = addresses.iter().map(|&address| {
            let family = match address {
                IpAddr::V4(_) => Family::V4,
                IpAddr::V6(_) => Family::V6,
            };
            let socket = make(wanted(family))?;
            rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
            rustix::net::bind(&socket, &SocketAddr::new(address, port))?;
            Ok(socket)
        });
        bound.collect()
    }
}

/// Opens the gateway's ports as packets ask for them, until the switch is gone.
pub(crate) fn usher(mut gateway: Gateway, port: &Port, open: &Open, held: &Receiver<Held>) {
    // What cannot be opened is refused by the kernel, as what is not there.
    let answer = |held: &Held| let_in(held, gateway.answer(held.knock).unwrap_or(false), port, open);
    each_knock(held, answer, || open.clear());
    gateway.finish();
}

/// Answers what waits, and has answers forgotten that hold no longer, until the switch is gone.
pub(crate) fn each_knock(held: &Receiver<Held>, mut answer: impl FnMut(&Held), clear: impl Fn()) {
    let mut forget = Instant::now() + ANSWER_HOLDS;
    loop {
        let left = forget.saturating_duration_since(Instant::now());
        match held.recv_timeout(left) {
            Ok(held) => answer(&held),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if forget <= Instant::now() {
            clear();
            forget = Instant::now() + ANSWER_HOLDS;
        }
    }
}

/// Writes what has waited.
pub(crate) fn let_in(held: &Held, is_open: bool, port: &Port, open: &Open) {
    // A device that takes no packet has lost it, as a wire would.
    let _ = port.write(&held.header, &held.bytes);
    if let (true, Knock::Udp(port)) = (is_open, held.knock) {
        open.set(port);
    }
    open.written();
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
