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

/// A segment of a relay. Never used twice in one relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub(crate) u32);

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stretch of network that several links share, with one queue a direction: a home router, a cell,
/// a backbone.
#[derive(Debug, Clone)]
pub struct SegmentSpec {
    /// Its name, such as `home`. Its randomness follows from the seed and this name.
    pub name: String,
    /// The conditions towards the providers.
    pub up: Conditions,
    /// The conditions back.
    pub down: Conditions,
    /// The seed of the run.
    pub seed: Seed,
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
    /// The segments behind the link, in the order in which what goes up passes them. What comes back
    /// passes the link first as well, and then the segments in reverse.
    pub via: Vec<SegmentId>,
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
