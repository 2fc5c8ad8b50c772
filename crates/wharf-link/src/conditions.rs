//! What one direction of a link does to what it carries.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{Latency, Rate, Size, UnitError, duration_as_text, serde_as_text};

/// The conditions of one direction of a link. [`Default`] is no conditions: everything passes at
/// once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// The time from one end to the other, one way.
    #[serde(skip_serializing_if = "is_zero")]
    pub latency: Latency,
    /// How the latency varies from packet to packet. Order is kept: a packet that would overtake
    /// the one before it arrives with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Jitter>,
    /// How many bits a second pass. All that shares the link shares the rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How much may wait for its turn at the rate. Without one: [`Conditions::queue_limit`] says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueLimit>,
}

fn is_zero(latency: &Latency) -> bool {
    latency.is_zero()
}

impl Conditions {
    /// No conditions.
    pub const CLEAR: Self = Self {
        latency: Latency::ZERO,
        jitter: None,
        rate: None,
        queue: None,
    };

    /// Whether everything passes at once.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.latency.is_zero()
            && self.rate.is_none()
            && self.jitter.is_none_or(|jitter| jitter.spread.is_zero())
    }

    /// The limit of the queue before the rate: the one that was asked for, else what passes in
    /// 100 ms at the rate or in one round trip (taken as twice the latency), whichever is more,
    /// but never under 64 KiB. `None` where there is no rate, since nothing queues there.
    ///
    /// 100 ms is what access routers hold, give or take; a bandwidth-delay product lets a single
    /// TCP connection fill the link; 64 KiB is the most that one write of a TCP stack may send at
    /// once (GSO), so less would drop the tail of a single burst.
    #[must_use]
    pub fn queue_limit(&self) -> Option<QueueLimit> {
        let rate = self.rate?;
        Some(self.queue.unwrap_or_else(|| {
            let round_trip = self.latency.duration() * 2;
            let bytes = rate.bytes_in(round_trip.max(Duration::from_millis(100)));
            QueueLimit::Bytes(Size::from_bytes(bytes.max(64 * 1024)))
        }))
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match (self.latency, self.jitter) {
            (Latency::ZERO, None) => {}
            (latency, None) => parts.push(latency.to_string()),
            (latency, Some(jitter)) => parts.push(format!("{latency} ± {jitter}")),
        }
        parts.extend(self.rate.map(|rate| rate.to_string()));
        parts.extend(self.queue.map(|queue| format!("queue {queue}")));
        if parts.is_empty() {
            return f.write_str("clear");
        }
        f.write_str(&parts.join(", "))
    }
}

/// How the latency varies. As text: `20ms` (uniform) or `20ms normal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jitter {
    /// How far: half the width of the uniform distribution, the standard deviation of the normal.
    #[serde(with = "duration_as_text")]
    pub spread: Duration,
    /// In which shape.
    #[serde(default)]
    pub distribution: Distribution,
}

impl Jitter {
    /// Uniform in latency ± `spread`.
    #[must_use]
    pub const fn uniform(spread: Duration) -> Self {
        Self {
            spread,
            distribution: Distribution::Uniform,
        }
    }

    /// Normal about the latency, with standard deviation `spread`.
    #[must_use]
    pub const fn normal(spread: Duration) -> Self {
        Self {
            spread,
            distribution: Distribution::Normal,
        }
    }
}

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = Latency::new(self.spread).unwrap_or_default();
        match self.distribution {
            Distribution::Uniform => write!(f, "{spread}"),
            Distribution::Normal => write!(f, "{spread} normal"),
        }
    }
}

impl FromStr for Jitter {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (spread, shape) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let distribution = match shape.trim() {
            "" | "uniform" => Distribution::Uniform,
            "normal" => Distribution::Normal,
            _ => {
                let problem = "write `20ms`, `20ms uniform` or `20ms normal`";
                return Err(UnitError::new("jitter", text, problem));
            }
        };
        let spread: Latency = spread.parse()?;
        Ok(Self {
            spread: spread.duration(),
            distribution,
        })
    }
}

/// The shape of the jitter. A delay below zero is none: where the spread is wider than the latency,
/// the part of the distribution below zero arrives at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Any delay within latency ± spread, each as likely as the other.
    #[default]
    Uniform,
    /// Normal, with the spread as its standard deviation.
    Normal,
}

/// How much may wait for its turn at the rate, what is being sent included. A queue that is empty
/// takes one packet of any size, so that no limit stops a link altogether. As text: `64KiB`, or
/// `100packets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueLimit {
    /// So many bytes.
    Bytes(Size),
    /// So many packets.
    Packets(u32),
}

impl fmt::Display for QueueLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(size) => size.fmt(f),
            Self::Packets(count) => write!(f, "{count}packets"),
        }
    }
}

impl FromStr for QueueLimit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let count = text
            .trim()
            .strip_suffix("packets")
            .or_else(|| text.trim().strip_suffix("packet"));
        match count {
            None => text.parse().map(Self::Bytes),
            Some(count) => count
                .trim()
                .parse()
                .map(Self::Packets)
                .map_err(|_| UnitError::new("queue limit", text, "write `64KiB` or `100packets`")),
        }
    }
}

serde_as_text!(QueueLimit);
