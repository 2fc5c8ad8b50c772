//! The two directions, and the routers that stand between segments.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wharf_packet::Version;

use crate::message::{FAR_V4, FAR_V6, NEAR_V4, NEAR_V6};

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the command.
    Up,
    /// To it.
    Down,
}

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// The address of the router that a packet has come to after it has passed `passed` of `all` segments.
    /// Before the first it is the host itself whose packet it is, and the other end speaks for the link.
    ///
    /// Routers have one address for both directions: 198.18.1.1 is the first after the command.
    pub(crate) fn router(self, passed: usize, all: usize, version: Version) -> IpAddr {
        let number = match self {
            Self::Up => passed,
            Self::Down => all.saturating_sub(passed),
        };
        match (self, passed, version) {
            (Self::Up, 0, Version::V4) => FAR_V4.into(),
            (Self::Up, 0, Version::V6) => FAR_V6.into(),
            (Self::Down, 0, Version::V4) => NEAR_V4.into(),
            (Self::Down, 0, Version::V6) => NEAR_V6.into(),
            (_, _, Version::V4) => Ipv4Addr::new(198, 18, 1, number.min(254) as u8).into(),
            (_, _, Version::V6) => {
                let mut segments = FAR_V6.segments();
                segments[3] = 1;
                segments[7] = number.min(254) as u16;
                Ipv6Addr::from(segments).into()
            }
        }
    }
}
