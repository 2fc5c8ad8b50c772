//! The network interfaces, by rtnetlink(7).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Protocol, Type};
use wharf_facts::{Interface, InterfaceAddress, Seen};

use super::netlink::{self, Message, attributes, messages, u32_at};
use crate::{Error, Result};

const LIST: &str = "list network interfaces (rtnetlink)";
const AF_NETLINK: i32 = 16;
const NETLINK_ROUTE: i32 = 0;
const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;

/// `struct ifinfomsg`: family, padding, type, index, flags, change.
const LINK: usize = 16;
/// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
const ADDRESS: usize = 8;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFF_UP: u32 = 0x1;
const IFF_LOOPBACK: u32 = 0x8;

/// Wide enough for what the kernel sends in one piece (`NLMSG_GOODSIZE`, 32 KiB at most).
const BUFFER: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// The interfaces of this thread's network namespace, by number.
pub(crate) fn interfaces() -> Result<Vec<Interface>> {
    let mut found: BTreeMap<u32, Interface> = BTreeMap::new();
    dump(GET_LINK, &[0; LINK], |message| {
        if let (NEW_LINK, Some(interface)) = (message.kind, link(message.payload)) {
            found.insert(interface.index, interface);
        }
    })?;
    dump(GET_ADDRESS, &[0; ADDRESS], |message| {
        if let (NEW_ADDRESS, Some((index, address))) = (message.kind, address(message.payload))
            && let Some(interface) = found.get_mut(&index)
        {
            interface.addresses.push(address);
        }
    })?;
    Ok(found.into_values().collect())
}

fn dump(kind: u16, query: &[u8], mut take: impl FnMut(&Message<'_>)) -> Result<()> {
    let fail = |source| Error::Netlink {
        operation: LIST,
        source,
    };
    let malformed = |detail| Error::Malformed {
        operation: LIST,
        detail,
    };
    let mut socket = socket2::Socket::new(
        Domain::from(AF_NETLINK),
        Type::DGRAM,
        Some(Protocol::from(NETLINK_ROUTE)),
    )
    .map_err(fail)?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
    socket
        .send(&netlink::request(kind, netlink::FLAG_DUMP, 1, query))
        .map_err(fail)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = match socket.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fail(error)),
        };
        for message in messages(buffer.get(..length).unwrap_or(&[])) {
            let message = message.map_err(malformed)?;
            match message.kind {
                netlink::KIND_DONE => return Ok(()),
                netlink::KIND_ERROR => {
                    return match message.errno() {
                        0 => Ok(()),
                        errno => Err(fail(io::Error::from_raw_os_error(errno))),
                    };
                }
                _ => take(&message),
            }
        }
    }
}

fn link(payload: &[u8]) -> Option<Interface> {
    let flags = u32_at(payload, 8)?;
    let mut interface = Interface {
        index: u32_at(payload, 4)?,
        up: Seen::Known(flags & IFF_UP != 0),
        loopback: Seen::Known(flags & IFF_LOOPBACK != 0),
        kind: Seen::Known(None),
        ..Interface::default()
    };
    for attribute in attributes(payload.get(LINK..)?).map_while(std::result::Result::ok) {
        match attribute {
            (IFLA_IFNAME, name) => interface.name = text(name),
            (IFLA_LINKINFO, nested) => {
                let kind = attributes(nested)
                    .map_while(std::result::Result::ok)
                    .find(|(kind, _)| *kind == IFLA_INFO_KIND);
                interface.kind = Seen::Known(kind.map(|(_, value)| text(value)));
            }
            _ => {}
        }
    }
    let is_wireless = || Path::new("/sys/class/net").join(&interface.name).join("wireless");
    if interface.kind == Seen::Known(None) && fs::metadata(is_wireless()).is_ok() {
        interface.kind = Seen::Known(Some("wlan".to_owned()));
    }
    Some(interface)
}

fn address(payload: &[u8]) -> Option<(u32, InterfaceAddress)> {
    let prefix = *payload.get(1)?;
    let index = u32_at(payload, 4)?;
    let mut found = None;
    for attribute in attributes(payload.get(ADDRESS..)?).map_while(std::result::Result::ok) {
        match attribute {
            // Of a point-to-point link the first is the peer's, and the second is ours.
            (IFA_ADDRESS, value) => found = found.or_else(|| ip(value)),
            (IFA_LOCAL, value) => found = ip(value).or(found),
            _ => {}
        }
    }
    let address = found?;
    Some((index, InterfaceAddress { address, prefix }))
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::V4(Ipv4Addr::from(*bytes.first_chunk::<4>()?))),
        16 => Some(IpAddr::V6(Ipv6Addr::from(*bytes.first_chunk::<16>()?))),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn bridge() -> Vec<u8> {
        let mut bytes = vec![0; 4];
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(IFF_UP.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(attribute(IFLA_IFNAME, b"br-1\0"));
        bytes.extend(attribute(IFLA_LINKINFO, &attribute(IFLA_INFO_KIND, b"bridge\0")));
        bytes
    }

    #[test]
    fn a_link_and_its_address_are_read() {
        let interface = link(&bridge()).expect("a link");
        assert_eq!((interface.name.as_str(), interface.index), ("br-1", 7));
        assert_eq!(interface.kind, Seen::Known(Some("bridge".to_owned())));
        assert_eq!(
            (interface.up, interface.loopback),
            (Seen::Known(true), Seen::Known(false))
        );
        let mut bytes = vec![2, 24, 0, 0];
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(attribute(IFA_ADDRESS, &[10, 0, 0, 2]));
        bytes.extend(attribute(IFA_LOCAL, &[10, 0, 0, 1]));
        let (index, found) = address(&bytes).expect("an address");
        assert_eq!((index, found.prefix), (7, 24));
        assert_eq!(found.address, IpAddr::from([10, 0, 0, 1]));
    }

    #[test]
    fn no_bytes_can_make_the_parsers_panic() {
        let mut noise = Noise::new(5);
        let good = bridge();
        let mut read = 0;
        for round in 0..20_000 {
            let bytes = if round % 2 == 0 {
                noise.bytes(100)
            } else {
                noise.spoil(&good)
            };
            read += u32::from(link(&bytes).is_some()) + u32::from(address(&bytes).is_some());
        }
        assert!(read > 0, "nothing could be read: it tests too little");
    }
}
