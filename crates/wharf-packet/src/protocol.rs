//! Numbers of protocols, and of the headers that IPv6 puts before them.

use std::fmt;

/// What an IP packet carries, by its number at IANA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4 (RFC 792).
    pub const ICMP: Self = Self(1);
    /// TCP (RFC 9293).
    pub const TCP: Self = Self(6);
    /// UDP (RFC 768).
    pub const UDP: Self = Self(17);
    /// ICMP for IPv6 (RFC 4443).
    pub const ICMPV6: Self = Self(58);
    /// Nothing follows (RFC 8200, section 4.7).
    pub const NO_NEXT_HEADER: Self = Self(59);

    pub(crate) const HOP_BY_HOP: Self = Self(0);
    pub(crate) const ROUTING: Self = Self(43);
    pub(crate) const FRAGMENT: Self = Self(44);
    pub(crate) const AUTHENTICATION: Self = Self(51);
    pub(crate) const DESTINATION_OPTIONS: Self = Self(60);
    const DCCP: Self = Self(33);
    const SCTP: Self = Self(132);
    const MOBILITY: Self = Self(135);
    const UDP_LITE: Self = Self(136);
    const HIP: Self = Self(139);
    const SHIM6: Self = Self(140);

    /// Whether it begins with two ports.
    #[must_use]
    pub fn has_ports(self) -> bool {
        matches!(
            self,
            Self::TCP | Self::UDP | Self::UDP_LITE | Self::SCTP | Self::DCCP
        )
    }

    /// Whether it is ICMP of either family.
    #[must_use]
    pub fn is_icmp(self) -> bool {
        matches!(self, Self::ICMP | Self::ICMPV6)
    }

    /// Whether it is one of the headers that IPv6 puts between its own and the transport's, which say
    /// what follows and how long they are (RFC 8200, section 4; RFC 7045). ESP is none: behind it all
    /// is encrypted.
    pub(crate) fn is_extension(self) -> bool {
        matches!(
            self,
            Self::HOP_BY_HOP
                | Self::ROUTING
                | Self::FRAGMENT
                | Self::AUTHENTICATION
                | Self::DESTINATION_OPTIONS
                | Self::MOBILITY
                | Self::HIP
                | Self::SHIM6
        )
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ICMP => f.write_str("ICMP"),
            Self::TCP => f.write_str("TCP"),
            Self::UDP => f.write_str("UDP"),
            Self::ICMPV6 => f.write_str("ICMPv6"),
            Self::SCTP => f.write_str("SCTP"),
            Self(number) => write!(f, "protocol {number}"),
        }
    }
}
