//! A block of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address and how many of its first bits count: `198.18.7.0/24` (RFC 4632, section 3.1). The bits
/// that do not count are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: IpAddr,
    len: u8,
}

/// Why a text is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// It is not an address, or not an address and a length.
    #[error("`{0}` is no block of addresses: there is `198.18.7.0/24`, `fd00::/8`, or one address")]
    Text(String),
    /// More bits than an address has, or bits set that do not count.
    #[error("`{0}` is no block of addresses: {1}")]
    Bits(String, &'static str),
}

impl Prefix {
    /// All of IPv4: the destination of a default route.
    pub const ALL_V4: Self = Self {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        len: 0,
    };
    /// All of IPv6.
    pub const ALL_V6: Self = Self {
        address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        len: 0,
    };

    /// The block of this many first bits that an address is in. At most all of its bits count.
    #[must_use]
    pub fn around(address: IpAddr, len: u8) -> Self {
        match address {
            IpAddr::V4(address) => {
                let len = len.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
                let address = IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask));
                Self { address, len }
            }
            IpAddr::V6(address) => {
                let len = len.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
                let address = IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask));
                Self { address, len }
            }
        }
    }

    /// One address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self::around(address, 128)
    }

    /// Its first address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits count.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length of a prefix, not of a container"
    )]
    pub fn len(self) -> u8 {
        self.len
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && Self::around(address, self.len) == self
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let unread = || PrefixError::Text(text.to_owned());
        let Some((address, len)) = text.split_once('/') else {
            return text.parse().map(Self::host).map_err(|_| unread());
        };
        let address: IpAddr = address.parse().map_err(|_| unread())?;
        let len: u8 = len.parse().map_err(|_| unread())?;
        let prefix = Self::around(address, len);
        if prefix.len != len {
            let why = "its address has fewer bits";
            return Err(PrefixError::Bits(text.to_owned(), why));
        }
        if prefix.address != address {
            let why = "bits are set beyond its length";
            return Err(PrefixError::Bits(text.to_owned(), why));
        }
        Ok(prefix)
    }
}
