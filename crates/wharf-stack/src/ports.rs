//! The ports of a stack: leased, held, and handed to services and links.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use wharf_lease::{Checkout, Error as LeaseError, Hold, Key, Lease, Registry};

use crate::engine::StackError;
use crate::project::{Address, LinkDef, Port, PortName, Service, ServiceName, Transport};

/// The name of a service's first port.
pub const MAIN: &str = Key::MAIN;
/// The name under which a link's port is leased.
const LINK: &str = "link";

/// One port of a service.
#[derive(Debug)]
pub(crate) struct ServicePort {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    key: Key,
    lease: Lease,
    hold: Option<Hold>,
    /// The hold, once it listens to be passed on.
    listening: Vec<TcpListener>,
}

impl ServicePort {
    /// Takes the hold, if it is not had already.
    pub(crate) fn take_hold(&mut self) -> Result<(), LeaseError> {
        if self.hold.is_none() && self.listening.is_empty() {
            self.hold = Some(self.lease.hold()?);
        }
        Ok(())
    }

    /// Lets the hold go, so that a server that cannot bind over it can bind.
    pub(crate) fn let_go(&mut self) {
        self.hold = None;
    }

    /// The hold itself, listening, to be passed on. It listens until the stack ends: what
    /// arrives between two starts of the service waits for the next.
    pub(crate) fn listen(&mut self) -> Result<&[TcpListener], LeaseError> {
        self.take_hold()?;
        if let Some(hold) = self.hold.take() {
            self.listening = hold.listen()?;
        }
        Ok(&self.listening)
    }
}

/// The ports of a stack.
#[derive(Debug)]
pub(crate) struct Ports {
    registry: Registry,
    checkout: Checkout,
    services: BTreeMap<ServiceName, Vec<ServicePort>>,
}

impl Ports {
    pub(crate) fn new(registry: Registry, checkout: Checkout) -> Self {
        Ports {
            registry,
            checkout,
            services: BTreeMap::new(),
        }
    }

    fn key(&self, service: &str, port: &str) -> Key {
        Key {
            checkout: self.checkout.clone(),
            service: service.to_owned(),
            port: port.to_owned(),
        }
    }

    /// Leases what a service needs, and returns its main address. A port that it has
    /// already stays as it is, with its hold.
    pub(crate) fn provide(&mut self, service: &Service) -> Result<SocketAddr, LeaseError> {
        let mut had = self.services.remove(&service.name).unwrap_or_default();
        let mut ports = Vec::new();
        let names = std::iter::once(MAIN).chain(service.ports.iter().map(PortName::as_str));
        for name in names {
            let fixed = service.port.filter(|_| name == MAIN);
            let kept = had.iter().position(|port| {
                port.name == name && fixed.is_none_or(|fixed| fixed.get() == port.address.port())
            });
            ports.push(match kept {
                Some(at) => had.swap_remove(at),
                None => self.lease(service, name, fixed.map(Port::get))?,
            });
        }
        let main = ports[0].address;
        self.services.insert(service.name.clone(), ports);
        Ok(main)
    }

    fn lease(&self, service: &Service, name: &str, fixed: Option<u16>) -> Result<ServicePort, LeaseError> {
        let key = self.key(service.name.as_str(), name);
        let lease = match (service.address, fixed) {
            (Address::Own, Some(port)) => self.registry.own_address(&key, port)?,
            (_, Some(port)) => self.registry.fixed_port(&key, port)?,
            (_, None) => self.registry.lease(&key)?,
        };
        Ok(ServicePort {
            name: name.to_owned(),
            address: SocketAddr::new(lease.host(), lease.port()),
            key,
            lease,
            hold: None,
            listening: Vec::new(),
        })
    }

    /// The ports of a service, the main one first.
    pub(crate) fn of(&self, service: &ServiceName) -> &[ServicePort] {
        self.services.get(service).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn of_mut(&mut self, service: &ServiceName) -> &mut [ServicePort] {
        self.services.get_mut(service).map_or(&mut [], Vec::as_mut_slice)
    }

    /// Where a service is reached on this machine, where its port leads into a lab.
    pub(crate) fn published(&self, service: &ServiceName) -> Vec<SocketAddr> {
        self.of(service)
            .first()
            .map(|port| port.address)
            .into_iter()
            .collect()
    }

    /// Whether servers of this service have been seen to bind over the hold, or not been
    /// seen to fail.
    pub(crate) fn is_holdable(&self, service: &ServiceName) -> bool {
        self.of(service).first().is_none_or(|port| port.lease.holdable())
    }

    /// Remembers that the service cannot bind over the hold.
    pub(crate) fn remember_no_hold(&self, service: &ServiceName) -> Result<(), LeaseError> {
        self.of(service)
            .iter()
            .try_for_each(|port| self.registry.remember_no_hold(&port.key))
    }

    /// Forgets a service that is gone.
    pub(crate) fn forget(&mut self, service: &ServiceName) {
        self.services.remove(service);
    }

    /// What a link listens on, on each loopback family.
    pub(crate) fn sockets_for_link(
        &self,
        link: &LinkDef,
        transport: Transport,
    ) -> Result<LinkSockets, StackError> {
        let key = self.key(&link.name.to_string(), LINK);
        let (lease, hold) = match link.listen {
            Some(port) => {
                let lease = self.registry.fixed_port(&key, port.get())?;
                let hold = lease.hold()?;
                (lease, hold)
            }
            None => self.registry.lease_held(&key)?,
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, lease.port()));
        let datagrams = match transport.has_udp() {
            true => datagrams(lease.port())?,
            false => Vec::new(),
        };
        let listeners = match transport.has_tcp() {
            true => hold.listen()?,
            false => Vec::new(),
        };
        Ok(LinkSockets {
            address,
            listeners,
            datagrams,
        })
    }
}

/// What a link listens on.
#[derive(Debug)]
pub(crate) struct LinkSockets {
    /// Where consumers connect.
    pub(crate) address: SocketAddr,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) datagrams: Vec<UdpSocket>,
}

/// Sockets for datagrams at a port of both families; IPv6 only where there is any.
fn datagrams(port: u16) -> Result<Vec<UdpSocket>, StackError> {
    let families: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let mut sockets = Vec::new();
    for ip in families {
        let address = SocketAddr::from((ip, port));
        match UdpSocket::bind(address) {
            Ok(socket) => sockets.push(socket),
            Err(error) if ip.is_ipv6() && error.kind() == ErrorKind::AddrNotAvailable => {}
            Err(source) => return Err(StackError::Datagrams { address, source }),
        }
    }
    Ok(sockets)
}
