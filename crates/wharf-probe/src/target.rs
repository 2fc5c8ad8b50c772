//! What may be probed: an address of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_facts::{Protocol, Seen};

use crate::{Guess, reach};

/// A listener to probe. Its address is this machine's, by construction.
#[derive(Debug, Clone)]
pub struct Target {
    protocol: Protocol,
    address: SocketAddr,
    name: Option<String>,
    guess: Option<Guess>,
}

/// Why something cannot be probed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProbed {
    /// The address is another machine's.
    #[error("probe {0}: not an address of this machine; only loopback and its own addresses are probed")]
    Elsewhere(SocketAddr),
    /// Which addresses are this machine's could not be found out.
    #[error(
        "probe {0}: which addresses are this machine's cannot be seen here ({1}); use a loopback address"
    )]
    Unknown(SocketAddr, String),
    /// The name is none.
    #[error(
        "probe under the name {0:?}: not a host name; use letters, digits, `-`, `_` and dots, at most 253"
    )]
    Name(String),
}

impl Target {
    /// The listener at `address`. An unspecified address, as servers bind it, stands for loopback.
    ///
    /// # Errors
    ///
    /// The address is not this machine's.
    pub fn new(address: SocketAddr) -> Result<Self, NotProbed> {
        let ip = match address.ip().to_canonical() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let mut here = address;
        here.set_ip(ip);
        if !ip.is_loopback() {
            match reach::own_addresses() {
                Seen::Known(own) if own.contains(&ip) => {}
                Seen::Known(_) => return Err(NotProbed::Elsewhere(address)),
                Seen::Unknown(why) => return Err(NotProbed::Unknown(address, why)),
            }
        }
        Ok(Self {
            protocol: Protocol::Tcp,
            address: here,
            name: None,
            guess: None,
        })
    }

    /// The same port of UDP. Of those only DNS servers are asked, who are known by their owner or their
    /// port: what a datagram does to others nobody knows.
    #[must_use]
    pub fn over_udp(self) -> Self {
        Self {
            protocol: Protocol::Udp,
            ..self
        }
    }

    /// The same, asked for by this name: it goes into Host and into TLS's server name.
    ///
    /// # Errors
    ///
    /// That is not a host name.
    pub fn named(self, name: &str) -> Result<Self, NotProbed> {
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(NotProbed::Name(name.to_owned()));
        }
        Ok(Self {
            name: Some(name.to_ascii_lowercase()),
            ..self
        })
    }

    /// The same, with what is thought of it: asked first, and left alone where it should be.
    #[must_use]
    pub fn guessed(self, guess: Guess) -> Self {
        Self {
            guess: Some(guess),
            ..self
        }
    }

    /// Where.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn guess(&self) -> Option<&Guess> {
        self.guess.as_ref()
    }

    /// What goes into Host: the name, or the address, with the port.
    pub(crate) fn host(&self) -> String {
        match &self.name {
            Some(name) => format!("{name}:{}", self.address.port()),
            None => self.address.to_string(),
        }
    }
}
