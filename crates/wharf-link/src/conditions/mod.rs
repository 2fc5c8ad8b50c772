//! What one direction of a link does to what it carries.
//!
//! [`Conditions`] are resolved: every file is read, every default is in its place, and a
//! [`Machine`](crate::Machine) can run on them. [`Settings`] are the same as people write them, key
//! by key, and are what goes through files, flags and sockets.

mod discipline;
mod files;
mod jitter;
mod keys;
mod loss;
mod outage;
mod packet;
mod queue;
mod recording;
mod scope;
mod settings;
mod stream;
mod table;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use discipline::{CoDel, Discipline, Ecn, Flows, FqCoDel, Pie, Red};
pub use jitter::{Distribution, Jitter, Order};
pub use keys::{Key, KeyHelp};
pub use loss::{Bursts, GilbertElliott, Loss, Markov};
pub use outage::{Outage, Turns};
pub use packet::{Cell, Mtu, Overhead, Reorder, TooBig};
pub use queue::QueueLimit;
pub use recording::Recording;
pub use scope::Scope;
pub use settings::{Patch, Settings, SettingsError};
pub use stream::{Congestion, Effect, SliceSize, StreamFault, StreamModel};
pub use table::Table;

use crate::trace::Trace;
use crate::units::{Latency, Probability, Rate, Size};

/// The conditions of one direction of a link. [`Default`] is no conditions: everything passes at
/// once. Cheap to clone: what is big in it is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The time from one end to the other, one way.
    pub latency: Latency,
    /// How the latency varies from packet to packet.
    pub jitter: Option<Jitter>,
    /// How many bits a second pass. Who shares them is said by `scope`.
    pub rate: Option<Rate>,
    /// How much may pass at once after a pause, before the rate holds (a token bucket). None: nothing,
    /// each packet takes its length's time.
    pub burst: Option<Size>,
    /// What a packet takes at the rate beyond its own bytes.
    pub overhead: Option<Overhead>,
    /// When packets may leave. It takes the place of the rate and its burst.
    pub trace: Option<Trace>,
    /// How much may wait for its turn at the rate. Without one: [`Conditions::queue_limit`] says.
    pub queue: Option<QueueLimit>,
    /// What is done with what waits.
    pub discipline: Discipline,
    /// Which packets are lost.
    pub loss: Option<Loss>,
    /// The probability that one bit of a packet is flipped.
    pub corrupt: Option<Probability>,
    /// The probability that a packet arrives twice.
    pub duplicate: Option<Probability>,
    /// Which packets overtake.
    pub reorder: Option<Reorder>,
    /// When nothing passes.
    pub outage: Option<Outage>,
    /// The longest packet that passes.
    pub mtu: Option<Mtu>,
    /// Whose the rate is.
    pub scope: Scope,
    /// What TCP is taken to be, for streams.
    pub stream: StreamModel,
    /// What is done to connections, in this order.
    pub faults: Option<Arc<[StreamFault]>>,
}

impl Conditions {
    /// No conditions.
    pub const CLEAR: Self = Self {
        latency: Latency::ZERO,
        jitter: None,
        rate: None,
        burst: None,
        overhead: None,
        trace: None,
        queue: None,
        discipline: Discipline::DropTail,
        loss: None,
        corrupt: None,
        duplicate: None,
        reorder: None,
        outage: None,
        mtu: None,
        scope: Scope::Link,
        stream: StreamModel::DEFAULT,
        faults: None,
    };

    /// Whether everything passes at once and unchanged.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        let never = |chance: Option<Probability>| chance.is_none_or(|chance| chance == Probability::NEVER);
        let spread = |jitter: &Jitter| !jitter.spread.is_zero();
        self.latency.is_zero()
            && !self.is_limited()
            && !self.jitter.as_ref().is_some_and(spread)
            && self.loss.is_none()
            && never(self.corrupt)
            && never(self.duplicate)
            && never(self.reorder.map(|reorder| reorder.probability))
            && self.outage.is_none()
            && self.mtu.is_none()
            && self.stream.window.is_none()
            && self.faults().is_empty()
    }

    /// Whether packets wait for each other: there is a rate, or a trace in its place.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.rate.is_some() || self.trace.is_some()
    }

    /// The rate, or the mean rate of the trace in its place.
    #[must_use]
    pub fn mean_rate(&self) -> Option<Rate> {
        self.trace.as_ref().map(Trace::mean_rate).or(self.rate)
    }

    /// What is done to connections.
    #[must_use]
    pub fn faults(&self) -> &[StreamFault] {
        self.faults.as_deref().unwrap_or_default()
    }

    /// The limit of the queue before the rate: the one that was asked for, else what passes in
    /// 100 ms at the (mean) rate or in one round trip (taken as twice the latency), whichever is
    /// more, but never under 64 KiB. `None` where there is neither a rate nor a trace, since nothing
    /// queues there.
    ///
    /// 100 ms is what access routers hold, give or take; a bandwidth-delay product lets a single
    /// TCP connection fill the link; 64 KiB is the most that one write of a TCP stack may send at
    /// once (GSO), so less would drop the tail of a single burst.
    #[must_use]
    pub fn queue_limit(&self) -> Option<QueueLimit> {
        let rate = self.mean_rate()?;
        Some(self.queue.unwrap_or_else(|| {
            let round_trip = self.latency.duration() * 2;
            let bytes = rate.bytes_in(round_trip.max(Duration::from_millis(100)));
            QueueLimit::Bytes(Size::from_bytes(bytes.max(64 * 1024)))
        }))
    }

    /// The same as people write them. A trace, a table or a recording is its name.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::of(self)
    }
}

/// One line for people: `50ms ± 5ms normal, 10mbit, loss 1%`.
impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match (self.latency, &self.jitter) {
            (Latency::ZERO, None) => {}
            (latency, None) => parts.push(latency.to_string()),
            (latency, Some(jitter)) => parts.push(format!("{latency} ± {jitter}")),
        }
        parts.extend(self.rate.map(|rate| rate.to_string()));
        for (key, text) in self.settings().iter() {
            if !matches!(key.name(), "latency" | "jitter" | "rate") {
                parts.push(format!("{key} {text}"));
            }
        }
        if parts.is_empty() {
            return f.write_str("clear");
        }
        f.write_str(&parts.join(", "))
    }
}
