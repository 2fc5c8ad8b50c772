//! Addresses as Go's `net` package reads them, and its words for those it cannot read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// An address to listen at, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListenAt {
    /// No address, or an unspecified one: all of them. What was written is kept for comparing.
    Wildcard(Option<IpAddr>, u16),
    /// One address.
    One(SocketAddr),
}

impl ListenAt {
    /// Reads `host:port`. A name is looked up, and its first IPv4 address preferred, as Go does.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let (host, port) = match text {
            "" => ("", 0),
            text => {
                let (host, port) = split(text)?;
                (host, port_number(port)?)
            }
        };
        if host.is_empty() {
            return Ok(Self::Wildcard(None, port));
        }
        let address = match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical(),
            Err(_) => first_of(host)?,
        };
        Ok(match address.is_unspecified() {
            true => Self::Wildcard(Some(address), port),
            false => Self::One(SocketAddr::new(address, port)),
        })
    }

    /// As Go writes it.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Wildcard(None, port) => format!(":{port}"),
            Self::Wildcard(Some(address), port) => SocketAddr::new(address, port).to_string(),
            Self::One(address) => address.to_string(),
        }
    }
}

/// Where a proxy leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    /// Addresses, tried in this order.
    Known(Vec<SocketAddr>),
    /// A name, to be looked up.
    Named(String, u16),
}

impl Upstream {
    /// Reads `host:port`. `localhost` is known to be both loopback addresses (RFC 6761, section 6.3), and so is no
    /// host, or an unspecified one: Go dials this machine.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let (host, port) = split(text)?;
        let port = port_number(port)?;
        let here = || {
            let both = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
            both.map(|address| SocketAddr::new(address, port)).to_vec()
        };
        if host.is_empty() || host.eq_ignore_ascii_case("localhost") {
            return Ok(Self::Known(here()));
        }
        Ok(match host.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => Self::Known(here()),
            Ok(address) => Self::Known(vec![SocketAddr::new(address, port)]),
            Err(_) => Self::Named(host.to_owned(), port),
        })
    }
}

fn first_of(host: &str) -> Result<IpAddr, String> {
    let addresses = (host, 0)
        .to_socket_addrs()
        .map_err(|_| format!("lookup {host}: no such host"))?;
    let addresses: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
    let preferred = addresses.iter().find(|address| address.is_ipv4());
    let chosen = preferred.or(addresses.first());
    chosen
        .copied()
        .ok_or_else(|| format!("lookup {host}: no such host"))
}

/// `net.SplitHostPort`.
fn split(text: &str) -> Result<(&str, &str), String> {
    let error = |why: &str| Err(format!("address {text}: {why}"));
    if let Some(rest) = text.strip_prefix('[') {
        let Some((host, rest)) = rest.split_once(']') else {
            return error("missing ']' in address");
        };
        return match rest.strip_prefix(':') {
            Some(port) if !port.contains(':') => Ok((host, port)),
            Some(_) => error("too many colons in address"),
            None => error("missing port in address"),
        };
    }
    match text.rsplit_once(':') {
        None => error("missing port in address"),
        Some((host, _)) if host.contains(':') => error("too many colons in address"),
        Some((host, port)) => Ok((host, port)),
    }
}

/// A port by number; by name, those that tests use. No port is port 0.
fn port_number(text: &str) -> Result<u16, String> {
    match text {
        "" => return Ok(0),
        "http" => return Ok(80),
        "https" => return Ok(443),
        _ => {}
    }
    match text.parse::<i64>() {
        Ok(number) => u16::try_from(number).map_err(|_| format!("address {text}: invalid port")),
        Err(_) => Err(format!("lookup tcp/{text}: unknown port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_at() {
        for (text, expected) in [
            ("127.0.0.1:3310", Ok("127.0.0.1:3310")),
            ("[::1]:3310", Ok("[::1]:3310")),
            ("localhost:3310", Ok("127.0.0.1:3310")),
            ("", Ok(":0")),
            (":3310", Ok(":3310")),
            ("0.0.0.0:3310", Ok("0.0.0.0:3310")),
            ("[::]:3310", Ok("[::]:3310")),
            ("garbage", Err("address garbage: missing port in address")),
            ("::1:80", Err("address ::1:80: too many colons in address")),
            ("[::1:80", Err("address [::1:80: missing ']' in address")),
            ("localhost:99999", Err("address 99999: invalid port")),
            ("localhost:redis!", Err("lookup tcp/redis!: unknown port")),
        ] {
            let read = ListenAt::read(text).map(ListenAt::text);
            assert_eq!(read.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn addresses_to_lead_to() {
        let known = |addresses: &[&str]| {
            let addresses = addresses.iter().map(|address| address.parse().unwrap());
            Ok(Upstream::Known(addresses.collect()))
        };
        for (text, expected) in [
            ("10.0.0.1:80", known(&["10.0.0.1:80"])),
            ("localhost:80", known(&["[::1]:80", "127.0.0.1:80"])),
            (":80", known(&["[::1]:80", "127.0.0.1:80"])),
            ("0.0.0.0:80", known(&["[::1]:80", "127.0.0.1:80"])),
            (
                "db.internal:5432",
                Ok(Upstream::Named("db.internal".to_owned(), 5432)),
            ),
            ("db", Err("address db: missing port in address".to_owned())),
        ] {
            assert_eq!(Upstream::read(text), expected, "{text}");
        }
    }
}
