//! A socket, with who holds it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Socket, TcpState};

/// A socket and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SocketFacts {
    /// The socket.
    #[serde(flatten)]
    pub socket: Socket,
    /// Who has it open.
    #[serde(default)]
    pub owner: Holder,
    /// The timer that runs on it.
    #[serde(default)]
    pub timer: Option<Timer>,
    /// The path of its cgroup, below the root of the hierarchy.
    #[serde(default)]
    pub cgroup_path: Option<String>,
}

impl SocketFacts {
    /// A socket of which nothing else is known.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self {
            socket,
            owner: Holder::default(),
            timer: None,
            cgroup_path: None,
        }
    }

    /// Whether it waits for connections.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.socket.state == TcpState::Listen
    }

    /// Its own port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.socket.local.port()
    }
}

/// Who has a socket open, by pid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// These processes: all of them, where a fork shares it. Never empty.
    Pids(Vec<u32>),
    /// These processes, and perhaps others: some that could have it may not be looked into, or the
    /// search ended early.
    AtLeast(Vec<u32>),
    /// Somebody whom the viewer may not see: another user's process, one in another PID namespace,
    /// or the kernel itself. [`Socket::uid`] says whose.
    Hidden,
    /// Nobody any more: only the kernel keeps it (TIME_WAIT, or to finish sending).
    Nobody,
    /// Nobody looked.
    #[default]
    #[serde(other)]
    NotAsked,
}

impl Holder {
    /// The pids that are known.
    #[must_use]
    pub fn pids(&self) -> &[u32] {
        match self {
            Self::Pids(pids) | Self::AtLeast(pids) => pids,
            Self::Hidden | Self::Nobody | Self::NotAsked => &[],
        }
    }
}

/// A timer that runs on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timer {
    /// What it is for.
    pub kind: TimerKind,
    /// When it goes off, in milliseconds from the snapshot.
    pub expires_ms: u32,
    /// How often it has gone off without an answer.
    #[serde(default)]
    pub retransmits: u8,
}

/// What a [`Timer`] is for (`idiag_timer`, sock_diag(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimerKind {
    /// To send again what was not acknowledged.
    Retransmit,
    /// To see whether the peer is there.
    Keepalive,
    /// To end TIME_WAIT.
    TimeWait,
    /// To ask a peer whose window is closed.
    ZeroWindowProbe,
    /// Another.
    #[serde(other)]
    Other,
}
