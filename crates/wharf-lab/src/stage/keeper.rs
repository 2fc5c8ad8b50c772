//! The process that owns the namespaces of a network. Its main thread stays in the network it came from, to which an
//! ordinary user's process could not return; for what is to be done in a host's, a thread goes there.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;

use wharf_facts::Protocol;
use wharf_host::sockets::{self, States};
use wharf_link::{Conditions, Seed};
use wharf_relay::{LinkSpec, ParkLimits, Provider, Relay};

use super::node::{self, Wires};
use super::{Trouble, far, outlive_the_terminal};
use crate::channel::Channel;
use crate::gateway::{Allow, Behind, Gateway};
use crate::kernel::namespaces;
use crate::kernel::sysctl;
use crate::network::message::{Answer, Ask, HostPlan, Listening};

pub(super) fn run() -> ExitCode {
    let Ok(channel) = Channel::of_stdin() else {
        return ExitCode::FAILURE;
    };
    outlive_the_terminal();
    let mut keeper = Keeper {
        tun: PathBuf::new(),
        congestion: None,
        names: None,
        wires: Wires::default(),
        hosts: HashMap::new(),
    };
    while let Ok(Some((ask, descriptors))) = channel.receive::<Ask>() {
        let (answer, descriptors) = match keeper.answer(ask, descriptors) {
            Ok(answer) => answer,
            Err(trouble) => (Answer::Failed(trouble), Vec::new()),
        };
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        if channel.send(&answer, &descriptors).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

struct Keeper {
    tun: PathBuf,
    congestion: Option<String>,
    /// What names mean, for those who join.
    names: Option<OwnedFd>,
    wires: Wires,
    hosts: HashMap<usize, Host>,
}

struct Host {
    network: OwnedFd,
    addresses: Vec<IpAddr>,
    /// What leads to its loopback, once it was asked for.
    gateway: Option<Gateway>,
}

type Answered = Result<(Answer, Vec<OwnedFd>), Trouble>;

impl Keeper {
    fn answer(&mut self, ask: Ask, descriptors: Vec<OwnedFd>) -> Answered {
        match ask {
            Ask::Begin { tun, congestion } => {
                let owner = namespaces::enter_user_namespace()?;
                (self.tun, self.congestion) = (tun, congestion);
                self.names = descriptors.into_iter().next();
                let names = self.names.as_ref().map_or(-1, AsRawFd::as_raw_fd);
                let owner = owner.word().to_owned();
                Ok((Answer::Begun { owner, names }, Vec::new()))
            }
            Ask::Host(plan) => self.make_host(&plan),
            Ask::Socket(host, wanted) => {
                let host = self.host(host)?;
                let made = within(&host.network, || far::make(wanted))?;
                let socket =
                    made.map_err(|error| Trouble::of(format!("make a socket of a host: {error}")))?;
                Ok((Answer::Socket, vec![socket]))
            }
            Ask::Knock(host, knock) => {
                let host = self.host(host)?;
                host.with_gateway(|gateway| gateway.answer(knock).unwrap_or(false))
                    .map(|open| (Answer::Open(open), Vec::new()))
            }
            Ask::Publish(host, port) => {
                let host = self.host(host)?;
                let addresses = host.addresses.clone();
                host.with_gateway(|gateway| publish(gateway, &addresses, port, descriptors))?
                    .map_err(|error| Trouble::of(format!("publish port {port} of a host: {error}")))?;
                Ok((Answer::Done, Vec::new()))
            }
            Ask::Relayed(host) => {
                let gateway = self.host(host)?.gateway.as_ref();
                let ports = gateway.map(Gateway::ports).unwrap_or_default();
                Ok((Answer::Ports(ports), Vec::new()))
            }
            Ask::Listeners(host) => {
                let host = self.host(host)?;
                let mut found = within(&host.network, listeners)??;
                found.retain(|socket| {
                    let gateway = host.gateway.as_ref();
                    !gateway.is_some_and(|gateway| gateway.has(socket.protocol, socket.local))
                });
                Ok((Answer::Listeners(found), Vec::new()))
            }
        }
    }

    fn host(&mut self, host: usize) -> Result<&mut Host, Trouble> {
        let found = self.hosts.get_mut(&host);
        found.ok_or_else(|| Trouble::of(format!("there is no host {host}")))
    }

    fn make_host(&mut self, plan: &HostPlan) -> Answered {
        let Self {
            tun,
            congestion,
            wires,
            ..
        } = self;
        let (made, congestion) = aside(|| {
            let made = node::make(plan, tun, congestion.as_deref(), wires)?;
            let congestion = sysctl::get("ipv4/tcp_congestion_control");
            Ok((made, congestion.unwrap_or_else(|| "unknown".to_owned())))
        })?;
        let answer = Answer::Host {
            carrier: made.carrier,
            ipv6: made.ipv6,
            congestion,
            network: made.network.as_raw_fd(),
        };
        let addresses = plan.devices.iter().flat_map(|device| device.addresses);
        let addresses = addresses
            .map(|(address, _)| address)
            .filter(|address| made.ipv6 || address.is_ipv4());
        let host = Host {
            network: made.network,
            addresses: addresses.collect(),
            gateway: None,
        };
        self.hosts.insert(plan.node, host);
        Ok((answer, made.packets))
    }
}

impl Host {
    /// Does something in its network with what leads to its loopback.
    fn with_gateway<T: Send>(&mut self, act: impl FnOnce(&mut Gateway) -> T + Send) -> Result<T, Trouble> {
        let Self {
            network,
            addresses,
            gateway,
        } = self;
        within(network, || {
            let gateway = match gateway {
                Some(gateway) => gateway,
                // Its threads descend from this one, and so are in this network.
                None => gateway.insert(Gateway::new(
                    addresses.clone(),
                    Behind::Own,
                    Box::new(far::make),
                    Relay::start().map_err(Trouble::of)?,
                    Allow::All,
                )),
            };
            Ok(act(gateway))
        })?
    }
}

/// Does something in a network, on a thread that is there.
fn within<T: Send>(network: &OwnedFd, act: impl FnOnce() -> T + Send) -> Result<T, Trouble> {
    aside(|| {
        namespaces::enter_network(network)?;
        Ok(act())
    })
}

/// Does something on a thread that ends with it: an ordinary user's could not come back from another network.
fn aside<T: Send>(act: impl FnOnce() -> Result<T, Trouble> + Send) -> Result<T, Trouble> {
    let done = std::thread::scope(|scope| scope.spawn(act).join());
    done.unwrap_or_else(|_| Err(Trouble::of("act in the network of a host: it panicked")))
}

fn publish(gateway: &Gateway, addresses: &[IpAddr], port: u16, listeners: Vec<OwnedFd>) -> io::Result<()> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
    let all = loopback.iter().chain(addresses);
    let spec = LinkSpec {
        name: format!("published:{port}"),
        listeners: listeners.into_iter().map(TcpListener::from).collect(),
        provider: Provider::Ready(all.map(|&address| SocketAddr::new(address, port)).collect()),
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        via: Vec::new(),
        seed: Seed::default(),
        park: ParkLimits::default(),
    };
    gateway.relay().add(spec).map(drop).map_err(io::Error::other)
}

fn listeners() -> Result<Vec<Listening>, Trouble> {
    let failed = |error: wharf_host::Error| Trouble::of(format!("see what listens at a host: {error}"));
    let mut found = Vec::new();
    for (protocol, sockets) in [
        (Protocol::Tcp, sockets::tcp(States::LISTEN).map_err(failed)?),
        (Protocol::Udp, sockets::udp().map_err(failed)?),
    ] {
        let unconnected = sockets.into_iter().filter(|socket| socket.remote.port() == 0);
        found.extend(unconnected.map(|socket| Listening {
            protocol,
            local: socket.local,
            inode: socket.inode,
        }));
    }
    Ok(found)
}
