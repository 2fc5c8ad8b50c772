//! Who may ask.
//!
//! Toxiproxy's clients send no token and no header of their own, so what stands between a web page and this API is
//! what only browsers send: `Origin`, `Sec-Fetch-Site`, `Sec-Fetch-Dest`, `Sec-Fetch-User`, an agent that calls itself
//! Mozilla. A lone `Sec-Fetch-Mode` passes: the `fetch` of Node (undici) sends it, and the official Node client uses
//! that. Under DNS rebinding the host would be a name of the attacker's, so hosts are those of this machine.

use std::net::{IpAddr, Ipv6Addr};

use hyper::header::{HOST, HeaderMap, ORIGIN, USER_AGENT};

use crate::carrier::Exposure;

/// Headers by which a browser tells what a request is for (W3C Fetch Metadata).
const FETCH: [&str; 3] = ["sec-fetch-site", "sec-fetch-dest", "sec-fetch-user"];

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has no host, or several, or one that is none (RFC 9112, section 3.2).
    Malformed,
    /// Its host is not this machine.
    Misdirected,
    /// It is a browser's, as Toxiproxy would notice.
    Agent,
    /// It is a web page's.
    Page,
}

/// Which hosts are served.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// The host that the server was started with.
    pub(crate) own: String,
    pub(crate) exposure: Exposure,
}

impl Guard {
    /// Lets a request through, or says why not. `target` is the authority of a request in absolute form.
    pub(crate) fn admit(&self, headers: &HeaderMap, target: Option<&str>) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().map_err(|_| Refusal::Malformed)?,
            _ => return Err(Refusal::Malformed),
        };
        // RFC 9112, section 3.2.2: the target wins over Host. Both must be ours.
        for authority in [Some(host), target].into_iter().flatten() {
            let host = host_of(authority).ok_or(Refusal::Malformed)?;
            if !self.is_ours(host) {
                return Err(Refusal::Misdirected);
            }
        }
        let agent = headers.get(USER_AGENT).map_or(&[][..], |agent| agent.as_bytes());
        if agent.starts_with(b"Mozilla/") {
            return Err(Refusal::Agent);
        }
        if headers.contains_key(ORIGIN) || FETCH.iter().any(|name| headers.contains_key(*name)) {
            return Err(Refusal::Page);
        }
        Ok(())
    }

    /// A loopback address or `localhost`; off loopback also addresses, which no resolver can forge, and names without
    /// a dot, which no stranger can own.
    fn is_ours(&self, host: &str) -> bool {
        let address = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .map(|literal| literal.parse::<Ipv6Addr>().ok().map(IpAddr::V6))
            .unwrap_or_else(|| host.parse().ok());
        let exposed = self.exposure == Exposure::AsWritten;
        match address {
            Some(address) => exposed || address.to_canonical().is_loopback() || host == self.own,
            None => {
                let local = host.eq_ignore_ascii_case("localhost") || host.eq_ignore_ascii_case(&self.own);
                local || (exposed && !host.contains('.'))
            }
        }
    }
}

/// The host of `host[:port]`, without the port; nothing if it is malformed.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at(end + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_is_fine = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"/\\@#?%\"<>".contains(&byte);
    (port_is_fine && !host.is_empty() && host.bytes().all(plain)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    fn check(exposure: Exposure, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        let guard = Guard {
            own: "127.0.0.1".to_owned(),
            exposure,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        guard.admit(&map, None)
    }

    #[test]
    fn hosts_of_this_machine_and_no_browsers() {
        use Refusal::{Agent, Malformed, Misdirected, Page};
        let here = ("host", "localhost:8474");
        for (headers, expected) in [
            (vec![here], Ok(())),
            (vec![("host", "127.0.0.1:8474")], Ok(())),
            (vec![("host", "[::1]:8474")], Ok(())),
            (vec![("host", "LOCALHOST")], Ok(())),
            (
                vec![("host", "localhost:"), ("user-agent", "toxiproxy-cli/2.12.0")],
                Ok(()),
            ),
            (vec![here, ("sec-fetch-mode", "cors")], Ok(())),
            (vec![], Err(Malformed)),
            (vec![here, here], Err(Malformed)),
            (vec![("host", "local host")], Err(Malformed)),
            (vec![("host", "user@localhost")], Err(Malformed)),
            (vec![("host", "localhost:80x")], Err(Malformed)),
            (vec![("host", "evil.example:8474")], Err(Misdirected)),
            (vec![("host", "localhost.evil.example")], Err(Misdirected)),
            (vec![("host", "10.0.0.7:8474")], Err(Misdirected)),
            (vec![("host", "toxiproxy:8474")], Err(Misdirected)),
            (vec![here, ("user-agent", "Mozilla/5.0 (X11)")], Err(Agent)),
            (vec![here, ("origin", "http://localhost:8474")], Err(Page)),
            (vec![here, ("origin", "null")], Err(Page)),
            (vec![here, ("sec-fetch-site", "same-origin")], Err(Page)),
            (vec![here, ("sec-fetch-dest", "image")], Err(Page)),
        ] {
            assert_eq!(check(Exposure::Loopback, &headers), expected, "{headers:?}");
        }
        for (host, expected) in [
            ("toxiproxy:8474", Ok(())),
            ("10.0.0.7:8474", Ok(())),
            ("evil.example:8474", Err(Misdirected)),
        ] {
            assert_eq!(check(Exposure::AsWritten, &[("host", host)]), expected, "{host}");
        }
    }
}
