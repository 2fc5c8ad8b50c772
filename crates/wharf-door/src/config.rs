//! What a door is told when it starts.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Routes;

/// The port of the front door.
pub const DOOR_PORT: u16 = 62893;

/// Makes the listeners to serve on when the door's own port cannot be had on either family.
pub type Fallback = Box<dyn FnOnce() -> io::Result<Vec<TcpListener>> + Send>;

/// Decides about a peer by the connection's two addresses (ours, theirs), before a byte of it is read.
pub type PeerCheck = Arc<dyn Fn(SocketAddr, SocketAddr) -> PeerVerdict + Send + Sync>;

/// What a [`PeerCheck`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerVerdict {
    /// The peer is the user's own.
    Admit,
    /// The peer is another user's, or it cannot be known whose: unknown is refused.
    Refuse,
}

/// Names the program that has a port, so that an error can say by whom it is taken.
pub trait WhoHas: Send + Sync {
    /// `nginx (pid 812)`, or nothing if it cannot be seen.
    fn who_has(&self, address: SocketAddr) -> Option<String>;
}

/// How much of anything a door will hold, and how long it waits for it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once, tunnels included. One more is closed at accept, and counted as shed.
    pub connections: usize,
    /// Bytes of one request's head.
    pub header_bytes: usize,
    /// How long a head may take to arrive, and how long a quiet connection is kept.
    pub header_wait: Duration,
    /// How long a connect to a service may take.
    pub connect_wait: Duration,
    /// At an orderly exit: how long requests in flight may take.
    pub drain: Duration,
    /// At an orderly exit: how long a quiet HTTP/1 connection is kept, so that a request that is on its way
    /// is answered (with `connection: close`) and not reset.
    pub quiet_grace: Duration,
    /// How often a request may come through the door before it is called a loop.
    pub hops: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 400,
            header_bytes: 64 * 1024,
            header_wait: Duration::from_secs(30),
            connect_wait: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            quiet_grace: Duration::from_millis(500),
            hops: 5,
        }
    }
}

/// What a [`Door`](crate::Door) is started with.
pub struct DoorConfig {
    /// The port on both loopback addresses; [`DOOR_PORT`] but in tests.
    pub port: u16,
    /// The directory (0700, the user's) where the lock, the waiters' sockets and the registrations are.
    pub run_dir: PathBuf,
    /// Where names lead.
    pub routes: Arc<dyn Routes>,
    /// Names the owner of a port that cannot be had.
    pub who_has: Option<Arc<dyn WhoHas>>,
    /// A lease to serve on if the port cannot be had.
    pub fallback: Option<Fallback>,
    /// Refuses other users' connections. Without one, every local peer is served.
    pub peer_check: Option<PeerCheck>,
    /// Bounds.
    pub limits: Limits,
}

impl DoorConfig {
    /// The usual configuration: port 62893, default limits, nothing optional.
    pub fn new(run_dir: impl Into<PathBuf>, routes: Arc<dyn Routes>) -> Self {
        Self {
            port: DOOR_PORT,
            run_dir: run_dir.into(),
            routes,
            who_has: None,
            fallback: None,
            peer_check: None,
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for DoorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoorConfig")
            .field("port", &self.port)
            .field("run_dir", &self.run_dir)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
