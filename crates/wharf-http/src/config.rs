use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wharf_link::Seed;

use crate::rules::Rule;

/// What a stage is told at its start.
#[derive(Clone)]
pub struct StageConfig {
    /// The link's name, such as `web -> api`. Its randomness follows from the seed and this name.
    pub name: String,
    /// Where connections go.
    pub upstream: Upstream,
    /// What they carry.
    pub carries: Carries,
    /// What happens to requests; the first that matches decides.
    pub rules: Vec<Rule>,
    /// The seed of the run.
    pub seed: Seed,
    /// What a client can cost.
    pub limits: Limits,
    /// Says for each connection whether its peer may come in. `None`: every process of this machine may, whoever's
    /// it is: the stage's port is on loopback, which has no permissions.
    pub peer_check: Option<PeerCheck>,
}

impl StageConfig {
    /// A stage for HTTP without rules, and the usual limits.
    #[must_use]
    pub fn new(name: impl Into<String>, upstream: Upstream) -> Self {
        Self {
            name: name.into(),
            upstream,
            carries: Carries::Http,
            rules: Vec::new(),
            seed: Seed(0),
            limits: Limits::default(),
            peer_check: None,
        }
    }
}

impl fmt::Debug for StageConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageConfig")
            .field("name", &self.name)
            .field("upstream", &self.upstream)
            .field("carries", &self.carries)
            .finish_non_exhaustive()
    }
}

/// Asked at accept, before a byte is read, with the connection's local and its peer's address.
pub type PeerCheck = Arc<dyn Fn(SocketAddr, SocketAddr) -> PeerVerdict + Send + Sync>;

/// Whether a peer may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerVerdict {
    /// It may.
    Admit,
    /// It is reset.
    Refuse,
}

/// What connections carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Carries {
    /// HTTP/1 or HTTP/2, as each client begins. What turns out to be neither is carried as it is.
    #[default]
    Http,
    /// Bytes, of which nothing is known. Rules have no effect.
    Raw,
}

/// The far side of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Where it is.
    pub far: Far,
    /// Whether TLS begins here.
    pub tls: Option<TlsOrigination>,
}

impl Upstream {
    /// A provider at these addresses, in clear.
    #[must_use]
    pub fn clear(addresses: impl Into<Vec<SocketAddr>>) -> Self {
        Self {
            far: Far::Addresses(addresses.into()),
            tls: None,
        }
    }
}

/// Where a provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Far {
    /// At these addresses, which are tried in this order.
    Addresses(Vec<SocketAddr>),
    /// At a host's name, which is asked of the resolver at each connection, and a port.
    Host(String, u16),
}

/// TLS that begins at the stage: clear on the client's side, encrypted on the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOrigination {
    /// The name (or address) that the provider's certificate must bear, and that it is asked for.
    pub server_name: String,
    /// Who may have signed the certificate.
    pub roots: Roots,
    /// The protocols to offer (ALPN) where bytes are carried [raw](Carries::Raw): PostgreSQL wants
    /// `postgresql`. For HTTP it is the one that the client speaks.
    pub alpn: Vec<String>,
}

/// Who may have signed a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Roots {
    /// Those that this machine trusts.
    #[default]
    Platform,
    /// The certificates of this PEM file, and no others.
    File(PathBuf),
    /// Anybody. The provider may be whoever answers: whoever is on the way reads and changes everything.
    DangerouslyUnverified,
}

/// What a client can cost. A connection holds at most two heads and two buffers of 64 KiB in HTTP/1, and
/// in HTTP/2 at most `stream_window` for each of its requests, each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; one more is reset.
    pub connections: usize,
    /// The bytes of a head that is waited for. A longer one is carried unread in HTTP/1 (no rule sees it, nor what
    /// follows on its connection) and refused in HTTP/2.
    pub head: usize,
    /// HTTP/2 requests at a time on one connection; pipelined ones in HTTP/1.
    pub requests: u16,
    /// The bytes of one HTTP/2 request or answer under way.
    pub stream_window: u32,
    /// How long an address of the provider has to accept, and its TLS to be ready.
    pub dial: Duration,
    /// How long a stalled body stays stalled before its connection is closed.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: 64 * 1024,
            requests: 256,
            stream_window: 256 * 1024,
            dial: Duration::from_secs(10),
            stall: Duration::from_secs(600),
        }
    }
}
