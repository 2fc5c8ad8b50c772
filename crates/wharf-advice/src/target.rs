//! What is asked about.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Symptom;

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Target {
    /// A port, on whichever address: `62893`, `:62893`.
    Port(u16),
    /// An address and a port: `127.0.0.1:80`, `[::1]:80`.
    Address(SocketAddr),
    /// A name and a port: `localhost:3000`.
    Host {
        /// The name, in lower case.
        name: String,
        /// The port.
        port: u16,
    },
    /// A URL: `http://web.shop.localhost:62893/x`.
    Url(Url),
    /// A process: `pid:812`.
    Pid(u32),
    /// The name of a service, a process, a unit or a container, or a host's name without a port:
    /// `redis`, `web.shop.localhost`.
    Name(String),
}

/// As much of a URL as says where it leads (RFC 3986). What stands before an `@` is dropped: it may
/// be a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// The scheme, in lower case.
    pub scheme: String,
    /// The host, in lower case; an IPv6 address is without its brackets.
    pub host: String,
    /// The port, or the scheme's own.
    pub port: u16,
    /// The path with what follows it; `/` where there is none.
    pub path: String,
}

/// A question about a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked about.
    pub target: Target,
    /// What went wrong, where a command's failure is to be explained.
    pub symptom: Option<Symptom>,
}

impl Question {
    /// What is at `target`?
    #[must_use]
    pub fn about(target: Target) -> Self {
        Self {
            target,
            symptom: None,
        }
    }

    /// The same, after `symptom` was seen.
    #[must_use]
    pub fn after(mut self, symptom: Symptom) -> Self {
        self.symptom = Some(symptom);
        self
    }
}

impl Target {
    /// The port, where the target names one by itself.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Port(port) | Self::Host { port, .. } => Some(*port),
            Self::Address(address) => Some(address.port()),
            Self::Url(url) => Some(url.port),
            Self::Pid(_) | Self::Name(_) => None,
        }
    }

    /// The host's name that is to be resolved, where the target holds one: it is no address.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let host = match self {
            Self::Host { name, .. } | Self::Name(name) => name,
            Self::Url(url) => &url.host,
            Self::Port(_) | Self::Address(_) | Self::Pid(_) => return None,
        };
        host.parse::<IpAddr>().is_err().then_some(host)
    }

    /// The address, where the target is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address.ip()),
            Self::Url(url) => url.host.parse().ok(),
            Self::Port(_) | Self::Host { .. } | Self::Pid(_) | Self::Name(_) => None,
        }
    }

    /// The URL's scheme, if it is a URL.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(&url.scheme),
            _ => None,
        }
    }
}

/// Schemes and their own ports, as IANA and their projects have them.
const SCHEMES: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("amqps", 5671),
    ("ftp", 21),
    ("grpc", 443),
    ("http", 80),
    ("https", 443),
    ("mongodb", 27017),
    ("mqtt", 1883),
    ("mysql", 3306),
    ("nats", 4222),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("redis", 6379),
    ("rediss", 6379),
    ("ssh", 22),
    ("ws", 80),
    ("wss", 443),
];

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidTarget::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidTarget::Control);
        }
        if let Some(pid) = text.strip_prefix("pid:") {
            let pid = pid.parse().ok().filter(|&pid| pid != 0);
            return pid
                .map(Self::Pid)
                .ok_or_else(|| InvalidTarget::Pid(text.to_owned()));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return url(text, scheme, rest).map(Self::Url);
        }
        let digits = text.strip_prefix(':').unwrap_or(text);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return port(text, digits).map(Self::Port);
        }
        if text.parse::<IpAddr>().is_ok() || text.strip_prefix('[').is_some_and(|rest| rest.ends_with(']')) {
            return Err(InvalidTarget::NoPort(text.to_owned()));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return match address.port() {
                0 => Err(InvalidTarget::Port(text.to_owned())),
                _ => Ok(Self::Address(address)),
            };
        }
        // A path behind it: somebody left out the scheme.
        if let Some((authority, _)) = text.split_once('/')
            && authority.contains(':')
        {
            return Err(InvalidTarget::NoScheme(text.to_owned()));
        }
        match text.rsplit_once(':') {
            Some((name, digits)) => Ok(Self::Host {
                name: host(text, name)?,
                port: port(text, digits)?,
            }),
            None => Ok(Self::Name(text.to_owned())),
        }
    }
}

fn port(text: &str, digits: &str) -> Result<u16, InvalidTarget> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err(InvalidTarget::Port(text.to_owned()));
    }
    match digits.parse::<u16>() {
        Ok(0) => Err(InvalidTarget::Port(text.to_owned())),
        Ok(port) => Ok(port),
        Err(_) => Err(InvalidTarget::PortTooBig(digits.to_owned())),
    }
}

/// A host's name, in lower case.
fn host(text: &str, name: &str) -> Result<String, InvalidTarget> {
    // A dot at the end says that the name is whole (RFC 1034, section 3.1).
    let name = name.trim_end_matches('.');
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || "-_.".contains(letter));
    if !is_name {
        return Err(InvalidTarget::Host(text.to_owned()));
    }
    Ok(name.to_lowercase())
}

fn url(text: &str, scheme: &str, rest: &str) -> Result<Url, InvalidTarget> {
    let scheme = scheme.to_ascii_lowercase();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (name, digits) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest
                .split_once(']')
                .ok_or_else(|| InvalidTarget::Host(text.to_owned()))?;
            (address, after.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((name, digits)) => (name, Some(digits)),
            None => (authority, None),
        },
    };
    let own = SCHEMES
        .iter()
        .find(|(known, _)| *known == scheme)
        .map(|(_, port)| *port);
    let port = match digits.filter(|digits| !digits.is_empty()) {
        Some(digits) => port(text, digits)?,
        None => own.ok_or(InvalidTarget::Scheme(scheme.clone()))?,
    };
    let host = match name.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => host(text, name)?,
    };
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Ok(Url {
        scheme,
        host,
        port,
        path,
    })
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme,
            host,
            port,
            path,
        } = self;
        if host.contains(':') {
            return write!(f, "{scheme}://[{host}]:{port}{path}");
        }
        write!(f, "{scheme}://{host}:{port}{path}")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "{port}"),
            Self::Address(address) => address.fmt(f),
            Self::Host { name, port } => write!(f, "{name}:{port}"),
            Self::Url(url) => url.fmt(f),
            Self::Pid(pid) => write!(f, "pid:{pid}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl TryFrom<String> for Target {
    type Error = InvalidTarget;

    fn try_from(text: String) -> Result<Self, InvalidTarget> {
        text.parse()
    }
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// There is nothing.
    #[error("a target is a port, an address, a URL, a pid or a name: `3000`, `[::1]:80`, `pid:812`, `redis`")]
    Empty,
    /// It holds control characters.
    #[error("a target holds no control characters")]
    Control,
    /// A port that is none.
    #[error("`{0}` names no port: a port is a number from 1 to 65535")]
    Port(String),
    /// A number that is no port.
    #[error("{0} is greater than the greatest port, 65535; a process is written `pid:{0}`")]
    PortTooBig(String),
    /// A pid that is none.
    #[error("`{0}` names no process: write `pid:` and its number, as in `pid:812`")]
    Pid(String),
    /// An address without a port.
    #[error("`{0}` is an address without a port: write 127.0.0.1:3000 or [::1]:3000")]
    NoPort(String),
    /// A host's name that is none.
    #[error(
        "`{0}` names no host: a name has letters, digits, `-`, `_` and dots; an IPv6 address stands in brackets, as in [::1]:80"
    )]
    Host(String),
    /// A path without a scheme.
    #[error("`{0}` has a path and no scheme: write `http://` before it")]
    NoScheme(String),
    /// A scheme without a port of its own.
    #[error("the scheme `{0}` has no port of its own: write one, as in {0}://localhost:3000")]
    Scheme(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match text.parse::<Target>() {
            Ok(target) => {
                // What is shown is read as the same.
                assert_eq!(
                    target.to_string().parse::<Target>().as_ref(),
                    Ok(&target),
                    "{text}"
                );
                format!("{target:?}")
            }
            Err(error) => format!("{error}"),
        };
        assert!(shown.contains(expected), "{text}: {shown}");
    }

    #[test]
    fn what_users_write_is_understood() {
        check("62893", "Port(62893)");
        check(":62893", "Port(62893)");
        check("127.0.0.1:62893", "Address(127.0.0.1:62893)");
        check("[::1]:80", "Address([::1]:80)");
        check("LocalHost:3000", "Host { name: \"localhost\", port: 3000 }");
        check("pid:812", "Pid(812)");
        check("redis", "Name(\"redis\")");
        check("web.shop.localhost", "Name(\"web.shop.localhost\")");
        check(
            "http://web.shop.localhost:62893/x?y#z",
            "host: \"web.shop.localhost\", port: 62893, path: \"/x?y#z\"",
        );
        check(
            "https://example.dev",
            "host: \"example.dev\", port: 443, path: \"/\"",
        );
        check(
            "postgres://ada:secret@localhost/db",
            "host: \"localhost\", port: 5432, path: \"/db\"",
        );
        check("http://[::1]:3000", "host: \"::1\", port: 3000");
    }

    #[test]
    fn what_is_no_target_is_told_how_to_be_one() {
        check("", "a target is");
        check("0", "from 1 to 65535");
        check("localhost:0", "from 1 to 65535");
        check("127.0.0.1:0", "from 1 to 65535");
        check("70000", "pid:70000");
        check("localhost:http", "names no port");
        check("pid:x", "pid:812");
        check("127.0.0.1", "without a port");
        check("::1", "without a port");
        check("[::1]", "without a port");
        check("a b:80", "names no host");
        check("http://./", "names no host");
        check("localhost:80/x", "http://");
        check("gopher://localhost", "gopher://localhost:3000");
        check("http://[::1:80", "names no host");
        check("a\u{1b}b", "control");
    }
}
