//! What a link for datagrams is, and what is counted of it.

use std::net::UdpSocket;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wharf_link::{Conditions, Seed, Size};

use crate::spec::{Provider, SegmentId};

/// A link that carries UDP datagrams.
#[derive(Debug)]
pub struct DatagramSpec {
    /// Its name, such as `web -> dns`. Its randomness follows from the seed and this name: towards
    /// the provider the machine's seed is `seed.derive(name).derive("up")`, back it is `"down"`.
    pub name: String,
    /// Where datagrams come in: sockets bound to one address each, usually 127.0.0.1 and `[::1]` of
    /// one port. A socket that was bound to port 0 lets go of its port for an instant each time it
    /// takes datagrams again after having refused them; one bound by number never does.
    pub sockets: Vec<UdpSocket>,
    /// Where they go. Of several addresses the first is used until it refuses.
    pub provider: Provider,
    /// The conditions towards the provider.
    pub up: Conditions,
    /// The conditions back.
    pub down: Conditions,
    /// The segments behind the link, as in [`LinkSpec::via`](crate::LinkSpec::via). Order is kept on
    /// them; a cut loses what is on them, and an outage holds it.
    pub via: Vec<SegmentId>,
    /// The seed of the run.
    pub seed: Seed,
    /// How much it may hold.
    pub limits: DatagramLimits,
}

/// How much a link for datagrams may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatagramLimits {
    /// So many flows at a time: a flow is what comes from one client address, and has one socket
    /// towards the provider. A further one evicts the one that has been quiet for longest, of those
    /// with a single question if there are any.
    pub flows: usize,
    /// How long a flow is kept when nothing passes, either way. One with a single question (a DNS
    /// look-up, say) is kept for half of it, as connection tracking in Linux keeps it for 30 s and
    /// longer conversations for 120 s.
    pub idle: Duration,
    /// How many datagrams of a flow wait for a provider that is starting. Further ones are dropped.
    pub parked: usize,
    /// How much memory datagrams that are under way or wait may take. Further ones are dropped.
    pub memory: Size,
}

impl Default for DatagramLimits {
    fn default() -> Self {
        Self {
            flows: 1024,
            idle: Duration::from_secs(60),
            parked: 16,
            memory: Size::from_bytes(64 << 20),
        }
    }
}

/// Figures of a link for datagrams, on top of those that all links have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DatagramStats {
    /// Towards the provider.
    pub up: DatagramCounts,
    /// Back.
    pub down: DatagramCounts,
    /// Flows that were given up because there were too many.
    pub evicted: u64,
    /// Flows that ended because nothing passed.
    pub expired: u64,
}

/// What has become of the datagrams of one direction, on the link and on the segments behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DatagramCounts {
    /// Came to the link.
    pub accepted: u64,
    /// Were handed to the far end's kernel, copies included.
    pub delivered: u64,
    /// Were lost because the conditions said so.
    pub lost: u64,
    /// Were delivered twice.
    pub duplicated: u64,
    /// Were delivered with one bit flipped.
    pub corrupted: u64,
    /// Were overtaken: delivered behind a later one (RFC 4737).
    pub reordered: u64,
    /// Were delivered with a mark of congestion (ECN CE).
    pub marked: u64,
    /// Were dropped for being longer than the link's MTU.
    pub too_big: u64,
    /// Were dropped by a full queue, by its discipline, or by the bound on memory.
    pub queue_dropped: u64,
    /// Were dropped by a cut, or while the link was off.
    pub cut_dropped: u64,
    /// Had nowhere to go: the flow had ended, or the kernel did not take them.
    pub undeliverable: u64,
}
