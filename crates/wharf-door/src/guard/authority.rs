//! `host[:port]`, parsed once and strictly.

use std::net::Ipv6Addr;

use super::Refusal;
use crate::{Hostname, HostnameError};

/// A host and port as a request or an origin names them.
#[derive(Debug)]
pub(crate) struct Authority {
    host: Option<Hostname>,
    port: Option<u16>,
    text: String,
}

impl Authority {
    /// Parses `name`, `name:port`, an IPv4 or a bracketed IPv6 address with or without port (RFC 3986 section 3.2.2), and
    /// nothing else: no user, no escapes, no blanks.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (literal, rest) = rest.split_once(']').ok_or(Refusal::Malformed)?;
                literal.parse::<Ipv6Addr>().map_err(|_| Refusal::Malformed)?;
                let port = match rest {
                    "" => None,
                    rest => Some(rest.strip_prefix(':').ok_or(Refusal::Malformed)?),
                };
                (None, port)
            }
            None => {
                let (name, port) = match text.split_once(':') {
                    Some((name, port)) => (name, Some(port)),
                    None => (text, None),
                };
                let host = match name.parse::<Hostname>() {
                    Ok(host) => Some(host),
                    Err(HostnameError::Literal) => None,
                    Err(HostnameError::Malformed) => return Err(Refusal::Malformed),
                };
                (host, port)
            }
        };
        Ok(Self {
            host,
            port: parse_port(port)?,
            text: text.to_owned(),
        })
    }

    /// The name; nothing for an address.
    pub(crate) fn host(&self) -> Option<&Hostname> {
        self.host.as_ref()
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn same_text(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

/// RFC 3986: `port = *DIGIT`, so an empty one is an absent one, and `+80` is none.
fn parse_port(port: Option<&str>) -> Result<Option<u16>, Refusal> {
    match port {
        None | Some("") => Ok(None),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().map(Some).map_err(|_| Refusal::Malformed)
        }
        Some(_) => Err(Refusal::Malformed),
    }
}
