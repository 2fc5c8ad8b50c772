//! What was learnt by connecting.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Seen, Spoken};

/// What was learnt by connecting to an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// The address.
    pub address: SocketAddr,
    /// The name by which it was asked for, in Host and SNI, if by one.
    #[serde(default)]
    pub name: Option<String>,
    /// What became of the connection.
    pub connect: Connect,
    /// How long connecting took, in microseconds.
    #[serde(default)]
    pub connect_us: Seen<u64>,
    /// How the connection went on without our saying anything.
    #[serde(default)]
    pub silence: Seen<Silence>,
    /// What is spoken there.
    #[serde(default)]
    pub protocol: Seen<Spoken>,
    /// What ALPN chose, where TLS is spoken.
    #[serde(default)]
    pub alpn: Option<String>,
    /// The first line that it said unasked, without control characters, at most 200 of them.
    #[serde(default)]
    pub banner: Option<String>,
    /// What its page says of itself.
    #[serde(default)]
    pub http: Option<HttpFacts>,
    /// Its certificate.
    #[serde(default)]
    pub certificate: Option<Certificate>,
}

/// What became of a connect().
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Connect {
    /// It was accepted, at least by the kernel.
    Accepted,
    /// It was refused: nothing listens there.
    Refused,
    /// Nothing came within so many milliseconds.
    TimedOut(u64),
    /// It failed otherwise, with what the system said.
    Failed(String),
    /// Nobody tried, for this reason: it has one slot, or is another user's.
    NotTried(String),
}

/// What a server did while nothing was said to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// It waited too.
    Waited,
    /// It spoke first.
    Spoke,
    /// It closed.
    Closed,
    /// It reset.
    Reset,
}

/// What an HTTP server says of itself in one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HttpFacts {
    /// The path that was asked for.
    pub path: String,
    /// The status.
    pub status: u16,
    /// The header `Server`.
    pub server: Option<String>,
    /// The header `X-Powered-By`.
    pub powered_by: Option<String>,
    /// The header `Via`, or what else shows a proxy.
    pub via: Option<String>,
    /// The header `Location`, without its query, which can be a secret.
    pub location: Option<String>,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The header `Strict-Transport-Security`.
    pub hsts: Option<String>,
    /// The names of the cookies that it set. Never their values.
    pub cookies: Vec<String>,
    /// The page's `<title>`.
    pub title: Option<String>,
    /// The framework that its headers or its page give away.
    pub framework: Option<String>,
    /// How it took a Host that is none of its own.
    pub foreign_host: Seen<Reception>,
    /// Whether a page of an Origin that is none of its own may read its answer
    /// (`Access-Control-Allow-Origin`).
    pub foreign_origin: Seen<Reception>,
    /// Whether a WebSocket could be opened from an Origin that is none of its own.
    pub foreign_websocket: Seen<Reception>,
    /// How it took the name by which it was asked for, as Host. Servers of developers refuse names
    /// that they do not know.
    pub named_host: Seen<Reception>,
    /// How it took a CORS preflight, by Origin: `http://localhost:3000` and `http://127.0.0.1:3000`
    /// are two.
    pub preflights: Seen<Vec<Preflight>>,
}

/// How a server took a CORS preflight (Fetch standard, §4.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preflight {
    /// The Origin that asked.
    pub origin: String,
    /// Whether it may.
    pub taken: Reception,
}

/// How a server took what it should not trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reception {
    /// As it takes its own.
    Accepted,
    /// It refused.
    Refused,
}

/// A server's certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Certificate {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses it is good for.
    pub names: Vec<String>,
    /// From when, in seconds since 1970 (UTC).
    pub not_before: Option<i64>,
    /// Until when, in seconds since 1970 (UTC).
    pub not_after: Option<i64>,
    /// Whether it signed itself.
    pub self_signed: bool,
    /// Whether this system's trust store takes it, and if not why.
    pub trusted: Seen<Trust>,
}

/// Whether a trust store takes a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// It does.
    Trusted,
    /// It does not, for this reason.
    Refused(String),
}
