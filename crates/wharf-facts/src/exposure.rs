//! From where an address can be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From where a socket bound to an address can be reached, as far as the address itself says. A
/// firewall may narrow this; a published port or a forward may widen it. Ordered from the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// This machine's network namespace only: 127/8, ::1 (RFC 1122 section 3.2.1.3, RFC 4291).
    Loopback,
    /// The same link only: 169.254/16, fe80::/10.
    LinkLocal,
    /// A private network: RFC 1918, shared address space (RFC 6598), fc00::/7. Whichever network
    /// that is: a LAN, a VPN, a bridge of containers.
    Private,
    /// Anybody who can reach this address.
    Public,
    /// Every address that this machine has.
    Everywhere,
}

impl Exposure {
    /// What `address` exposes.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_unspecified() => Self::Everywhere,
            address if address.is_loopback() => Self::Loopback,
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [first, second, ..] = address.octets();
        let is_shared = first == 100 && (64..128).contains(&second);
        if address.is_link_local() {
            Self::LinkLocal
        } else if address.is_private() || is_shared {
            Self::Private
        } else {
            Self::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if address.is_unicast_link_local() {
            Self::LinkLocal
        } else if address.is_unique_local() {
            Self::Private
        } else {
            Self::Public
        }
    }

    /// Whether no other machine can reach it.
    #[must_use]
    pub fn is_local(self) -> bool {
        self == Self::Loopback
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Exposure) {
        let address = address.parse().expect("an address");
        assert_eq!(Exposure::of(address), expected, "{address}");
    }

    #[test]
    fn an_address_tells_how_far_it_reaches() {
        check("127.0.0.1", Exposure::Loopback);
        check("127.9.8.7", Exposure::Loopback);
        check("::1", Exposure::Loopback);
        check("::ffff:127.0.0.1", Exposure::Loopback);
        check("169.254.1.1", Exposure::LinkLocal);
        check("fe80::1", Exposure::LinkLocal);
        check("10.0.0.1", Exposure::Private);
        check("172.31.0.1", Exposure::Private);
        check("172.32.0.1", Exposure::Public);
        check("100.64.0.1", Exposure::Private);
        check("100.128.0.1", Exposure::Public);
        check("fd00::1", Exposure::Private);
        check("2001:db8::1", Exposure::Public);
        check("0.0.0.0", Exposure::Everywhere);
        check("::", Exposure::Everywhere);
        check("::ffff:0.0.0.0", Exposure::Everywhere);
        assert!(Exposure::Loopback < Exposure::Private && Exposure::Public < Exposure::Everywhere);
    }
}
