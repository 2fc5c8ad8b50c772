//! What a command was seen to fail with.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What a command was seen to fail with. Parsed by the caller, from what the command printed and
/// from the sockets that it had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Symptom {
    /// What it was doing, as far as that can be told.
    pub operation: Option<Operation>,
    /// How that failed, as far as that can be told.
    pub failure: Option<Failure>,
    /// Where to.
    pub address: Option<SocketAddr>,
    /// The text that told so, as printed.
    pub text: String,
}

/// What a program was doing when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Taking a port: bind(), listen().
    Bind,
    /// Going out: connect().
    Connect,
    /// Taking a connection in: accept().
    Accept,
    /// Asking for a name: getaddrinfo().
    Resolve,
    /// Talking over a connection that stands.
    Talk,
    /// Watching files (inotify).
    Watch,
}

/// How it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// EADDRINUSE.
    AddressInUse,
    /// EADDRNOTAVAIL.
    AddressNotAvailable,
    /// EACCES, EPERM.
    AccessDenied,
    /// ECONNREFUSED.
    Refused,
    /// ECONNRESET, EPIPE, an empty reply.
    Reset,
    /// ETIMEDOUT, or the program's own patience.
    TimedOut,
    /// ENETUNREACH, EHOSTUNREACH.
    Unreachable,
    /// EMFILE, ENFILE.
    TooManyFiles,
    /// ENOSPC, as inotify gives it.
    NoSpace,
    /// EAI_NONAME and its kin.
    NameUnknown,
    /// A TLS handshake that failed, or a certificate that was not taken.
    Tls,
    /// An answer in HTTP that was not wanted, with its status.
    Http(u16),
}

impl Symptom {
    /// Whether its text holds one of `phrases`, in whichever case. They are given in lower case.
    #[must_use]
    pub fn mentions(&self, phrases: &[&str]) -> bool {
        let text = self.text.to_lowercase();
        phrases.iter().any(|phrase| text.contains(phrase))
    }
}
