//! What a link is, and what is told about it.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wharf_link::{Conditions, Seed};

/// A link of a relay. Never used twice in one relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(crate) u32);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A link to be carried.
#[derive(Debug)]
pub struct LinkSpec {
    /// Its name, such as `web -> api`. Its randomness follows from the seed and this name.
    pub name: String,
    /// Where connections come in: bound sockets, listening or not, usually 127.0.0.1 and `[::1]` of
    /// one port.
    pub listeners: Vec<TcpListener>,
    /// Where they go.
    pub provider: Provider,
    /// The conditions towards the provider.
    pub up: Conditions,
    /// The conditions back.
    pub down: Conditions,
    /// The seed of the run.
    pub seed: Seed,
    /// How many connections may wait for a provider that is starting, and for how long.
    pub park: ParkLimits,
}

/// The far side of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Provider {
    /// It will be there soon: connections are accepted and parked.
    #[default]
    Starting,
    /// It listens at these addresses, which are tried in this order.
    Ready(Vec<SocketAddr>),
    /// It is not there: connections are refused.
    Down,
}

/// How many connections may wait for a provider that is starting, and for how long. Beyond that they
/// are reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkLimits {
    /// So many of one link at a time.
    pub connections: usize,
    /// Each for so long.
    pub time: Duration,
}

impl Default for ParkLimits {
    fn default() -> Self {
        Self {
            connections: 256,
            time: Duration::from_secs(60),
        }
    }
}

/// How a link is cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Which directions carry nothing. Only a [`Manner::Hole`] has directions: a reset or a refusal
    /// ends connections as a whole.
    pub direction: CutDirection,
    /// What those at the two ends notice.
    pub manner: Manner,
}

/// The directions of a cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutDirection {
    /// Both.
    #[default]
    Both,
    /// Only towards the provider.
    Up,
    /// Only back.
    Down,
}

/// What a cut looks like from the two ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// A black hole. Connections stay, nothing passes, new ones hang. What was under way is held and
    /// goes on after healing.
    #[default]
    Hole,
    /// Connections are reset, and new ones as soon as they are made.
    Reset,
    /// Connections are reset, and new ones refused: as if the provider had died.
    Refuse,
}

/// Figures of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinkStats {
    /// Connections now, parked ones not counted.
    pub connections: u64,
    /// Connections that were ever accepted.
    pub total_connections: u64,
    /// Connections that wait for the provider.
    pub parked: u64,
    /// Connections that were reset because the provider refused or could not be reached in time, or
    /// because the link was cut by reset.
    pub refused: u64,
    /// Connections that were reset because too many were parked, or one for too long.
    pub park_overflows: u64,
    /// Connections that were reset because no descriptor was left for them.
    pub shed: u64,
    /// Bytes handed to the provider.
    pub bytes_up: u64,
    /// Bytes handed to consumers.
    pub bytes_down: u64,
    /// Bits per second to the provider, over the last second.
    pub rate_up: u64,
    /// Bits per second to consumers, over the last second.
    pub rate_down: u64,
    /// The conditions towards the provider.
    pub up: Conditions,
    /// The conditions back.
    pub down: Conditions,
    /// How the link is cut, if it is.
    pub cut: Option<Cut>,
}
