//! Where a service listens: for connections, for datagrams.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses at which a service really listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listens {
    /// For connections.
    pub(crate) tcp: Vec<SocketAddr>,
    /// For datagrams.
    pub(crate) udp: Vec<SocketAddr>,
}

impl Listens {
    /// All of them, each once.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        sorted(self.tcp.iter().chain(&self.udp).copied().collect())
    }
}

impl fmt::Display for Listens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tcp = self.tcp.iter().map(ToString::to_string);
        let udp = self.udp.iter().map(|address| format!("udp {address}"));
        f.write_str(&tcp.chain(udp).collect::<Vec<_>>().join(" and "))
    }
}

/// In order, each once.
pub(crate) fn sorted(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    addresses.sort();
    addresses.dedup();
    addresses
}

/// The addresses to dial for these listeners: a wildcard is reached on loopback.
pub(crate) fn reachable(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let dialled = addresses.iter().map(|address| match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => *address,
    });
    sorted(dialled.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_dialled_on_loopback() {
        let listens = ["[::]:80", "0.0.0.0:80", "127.0.0.1:80", "127.1.2.3:80"];
        let listens = listens.map(|text| text.parse().expect("an address"));
        let dialled: Vec<String> = reachable(&listens).iter().map(ToString::to_string).collect();
        assert_eq!(dialled, ["127.0.0.1:80", "127.1.2.3:80", "[::1]:80"]);
    }

    #[test]
    fn it_is_said_what_is_for_datagrams() {
        let at = |text: &str| vec![text.parse().expect("an address")];
        let listens = Listens {
            tcp: at("127.0.0.1:53"),
            udp: at("127.0.0.1:53"),
        };
        assert_eq!(listens.to_string(), "127.0.0.1:53 and udp 127.0.0.1:53");
        assert_eq!(listens.addresses(), at("127.0.0.1:53"));
    }
}
