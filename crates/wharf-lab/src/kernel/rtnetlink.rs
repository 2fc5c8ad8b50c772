//! Devices, addresses and routes: the few messages of `rtnetlink(7)` that a lab needs.
//!
//! Each request is acknowledged by the kernel, and an answer that is not is an error that names what
//! was asked.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

const AF_NETLINK: i32 = 16;
const NETLINK_ROUTE: i32 = 0;
const AF_UNSPEC: u8 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const NLMSG_ERROR: u16 = 2;

const REQUEST_AND_ACK: u16 = 0x01 | 0x04;
const CREATE: u16 = 0x0200 | 0x0400;

const IFF_UP: u32 = 0x01;
const IFF_NOARP: u32 = 0x80;
const IFLA_ADDRESS: u16 = 1;
const IFLA_MTU: u16 = 4;
const IFLA_TXQLEN: u16 = 13;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
/// No duplicate address detection: the address is there at once.
const IFA_F_NODAD: u32 = 0x02;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
const RT_TABLE_MAIN: u8 = 254;
const RTPROT_STATIC: u8 = 4;
const RTN_UNICAST: u8 = 1;

/// How many packets wait in a device until they are read: what must never lose any, since that is the link's.
const QUEUE: u32 = 10_000;
/// The kernel answers at once or not at all; this is only against waiting for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// A conversation with the network namespace in which it was opened.
#[derive(Debug)]
pub(crate) struct Netlink {
    socket: Socket,
    sequence: u32,
}

/// A device's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Index(u32);

impl Index {
    /// `lo`, which is the first device of every network namespace.
    pub(crate) const LOOPBACK: Self = Self(1);

    pub(crate) fn raw(self) -> u32 {
        self.0
    }
}

/// Whether a device asks for the link addresses of its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neighbours {
    Asked,
    /// There is one, and it takes everything.
    One,
}

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Host(IpAddr),
    /// Those that share so many leading bits with this.
    Prefix(IpAddr, u8),
    AnyV4,
    AnyV6,
}

impl Netlink {
    pub(crate) fn open() -> io::Result<Self> {
        let socket = Socket::new(
            Domain::from(AF_NETLINK),
            Type::DGRAM,
            Some(Protocol::from(NETLINK_ROUTE)),
        )?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// The device of this name.
    pub(crate) fn index(&self, name: &str) -> io::Result<Index> {
        Ok(Index(rustix::net::netdevice::name_to_index(&self.socket, name)?))
    }

    /// Sets a device's longest packet and switches it on.
    pub(crate) fn bring_up(
        &mut self,
        device: Index,
        mtu: Option<u32>,
        neighbours: Neighbours,
    ) -> io::Result<()> {
        let no_arp = match neighbours {
            Neighbours::Asked => 0,
            Neighbours::One => IFF_NOARP,
        };
        let mut body = Body::link(device.0, IFF_UP | no_arp, IFF_UP | no_arp);
        if let Some(mtu) = mtu {
            body.attribute(IFLA_MTU, &mtu.to_ne_bytes());
            body.attribute(IFLA_TXQLEN, &QUEUE.to_ne_bytes());
        }
        self.ask(RTM_NEWLINK, 0, &body)
    }

    /// Gives a device an address, and the way to the one at its other end. There are no others.
    pub(crate) fn add_address(&mut self, device: Index, address: IpAddr, peer: IpAddr) -> io::Result<()> {
        let (family, own) = wire(address);
        let (_, peer) = wire(peer);
        let prefix = u8::try_from(own.len() * 8).unwrap_or(u8::MAX);
        let mut body = Body::default();
        body.bytes(&[family, prefix, 0, 0]);
        body.bytes(&device.0.to_ne_bytes());
        body.attribute(IFA_LOCAL, &own);
        body.attribute(IFA_ADDRESS, &peer);
        body.attribute(IFA_FLAGS, &IFA_F_NODAD.to_ne_bytes());
        self.ask(RTM_NEWADDR, CREATE, &body)
    }

    /// Gives a device an address among those that share so many leading bits with it, and the way to these.
    pub(crate) fn add_address_of(&mut self, device: Index, address: IpAddr, prefix: u8) -> io::Result<()> {
        let (family, own) = wire(address);
        let mut body = Body::default();
        body.bytes(&[family, prefix, 0, 0]);
        body.bytes(&device.0.to_ne_bytes());
        body.attribute(IFA_LOCAL, &own);
        body.attribute(IFA_ADDRESS, &own);
        body.attribute(IFA_FLAGS, &IFA_F_NODAD.to_ne_bytes());
        self.ask(RTM_NEWADDR, CREATE, &body)
    }

    /// Sends to the device what is for `to`, or for this family and has no other way.
    pub(crate) fn add_route(&mut self, device: Index, to: To) -> io::Result<()> {
        let ((family, address), prefix) = match to {
            To::Host(address @ IpAddr::V4(_)) => (wire(address), 32),
            To::Host(address @ IpAddr::V6(_)) => (wire(address), 128),
            To::Prefix(address, prefix) => (wire(address), prefix),
            To::AnyV4 => ((AF_INET, Vec::new()), 0),
            To::AnyV6 => ((AF_INET6, Vec::new()), 0),
        };
        // The other end of the wire takes all: no gateway needs to be named.
        let scope = if family == AF_INET {
            RT_SCOPE_LINK
        } else {
            RT_SCOPE_UNIVERSE
        };
        let mut body = Body::default();
        body.bytes(&[
            family,
            prefix,
            0,
            0,
            RT_TABLE_MAIN,
            RTPROT_STATIC,
            scope,
            RTN_UNICAST,
        ]);
        body.bytes(&0_u32.to_ne_bytes());
        if !address.is_empty() {
            body.attribute(RTA_DST, &address);
        }
        body.attribute(RTA_OIF, &device.0.to_ne_bytes());
        self.ask(RTM_NEWROUTE, CREATE, &body)
    }

    /// Makes a pair of devices: `name` here, and `peer` in another network namespace. Both have the same
    /// link address: each takes what is for the other, and nobody else is there.
    pub(crate) fn add_veth(
        &mut self,
        name: &str,
        peer: &str,
        namespace: BorrowedFd<'_>,
        address: [u8; 6],
    ) -> io::Result<()> {
        let mut far = Body::link(0, 0, 0);
        far.name(peer);
        far.attribute(IFLA_ADDRESS, &address);
        far.attribute(IFLA_NET_NS_FD, &namespace.as_raw_fd().to_ne_bytes());
        let mut data = Body::default();
        data.attribute(VETH_INFO_PEER, &far.0);
        let mut information = Body::default();
        information.attribute(IFLA_INFO_KIND, b"veth");
        information.attribute(IFLA_INFO_DATA, &data.0);
        let mut body = Body::link(0, 0, 0);
        body.name(name);
        body.attribute(IFLA_ADDRESS, &address);
        body.attribute(IFLA_LINKINFO, &information.0);
        self.ask(RTM_NEWLINK, CREATE, &body)
    }

    fn ask(&mut self, kind: u16, flags: u16, body: &Body) -> io::Result<()> {
        self.sequence += 1;
        let request = message(kind, REQUEST_AND_ACK | flags, self.sequence, &body.0);
        // A netlink socket without a peer speaks to the kernel (netlink(7)).
        self.socket.send(&request)?;
        let mut answer = [0; 4096];
        let length = io::Read::read(&mut &self.socket, &mut answer)?;
        let answer = answer.get(..length).unwrap_or_default();
        let word = |at: usize| {
            let bytes = answer.get(at..)?.first_chunk().copied()?;
            Some(i32::from_ne_bytes(bytes))
        };
        let is_ack = answer.get(4..6) == Some(&NLMSG_ERROR.to_ne_bytes());
        match word(16).filter(|_| is_ack) {
            Some(0) => Ok(()),
            Some(code) => Err(io::Error::from_raw_os_error(code.wrapping_neg())),
            None => Err(io::Error::other("the kernel's answer is no acknowledgement")),
        }
    }
}

fn wire(address: IpAddr) -> (u8, Vec<u8>) {
    match address {
        IpAddr::V4(address) => (AF_INET, address.octets().to_vec()),
        IpAddr::V6(address) => (AF_INET6, address.octets().to_vec()),
    }
}

/// A message: its header and its body (`struct nlmsghdr`).
fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    const HEADER: usize = 16;
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(
        u32::try_from(HEADER + body.len())
            .unwrap_or(u32::MAX)
            .to_ne_bytes(),
    );
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes()); // port id: the kernel knows the sender
    bytes.extend(body);
    bytes
}

/// What a message says: a fixed part, and attributes.
#[derive(Debug, Default)]
struct Body(Vec<u8>);

impl Body {
    /// `struct ifinfomsg`.
    fn link(index: u32, flags: u32, change: u32) -> Self {
        let mut body = Self::default();
        body.bytes(&[AF_UNSPEC, 0, 0, 0]);
        body.bytes(&index.to_ne_bytes());
        body.bytes(&flags.to_ne_bytes());
        body.bytes(&change.to_ne_bytes());
        body
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    fn name(&mut self, name: &str) {
        self.attribute(IFLA_IFNAME, &[name.as_bytes(), &[0]].concat());
    }

    /// `struct rtattr` and its value, filled up to a multiple of four.
    fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.bytes(&length.to_ne_bytes());
        self.bytes(&kind.to_ne_bytes());
        self.bytes(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_filled_up_and_nested() {
        let mut inner = Body::default();
        inner.attribute(1, b"veth");
        inner.attribute(2, b"x");
        assert_eq!(inner.0.len(), 16);
        let mut outer = Body::default();
        outer.attribute(18, &inner.0);
        assert_eq!(outer.0[..2], 20_u16.to_ne_bytes());
        assert_eq!(outer.0.len(), 20);
        let whole = message(16, 5, 7, &outer.0);
        assert_eq!(whole[..4], 36_u32.to_ne_bytes());
    }
}
