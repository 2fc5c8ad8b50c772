//! What a relay counts.

use serde::{Deserialize, Serialize};

use crate::datagram::DatagramStats;
use crate::lateness::LatenessStats;
use crate::spec::{Cut, CutDirection};

/// Figures of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinkStats {
    /// Connections now, parked ones not counted.
    pub connections: u64,
    /// Those of them that threads of their own carry, since much passes on them and nothing is in its way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_bulk: u64,
    /// Connections that were ever accepted.
    pub total_connections: u64,
    /// Connections that wait for the provider.
    pub parked: u64,
    /// Connections that were reset because the provider refused or could not be reached in time, or
    /// because the link was cut by reset.
    pub refused: u64,
    /// Why the provider could not be had, when that last was so: `127.0.0.1:5432: connection refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreached: Option<String>,
    /// Connections that were reset because too many were parked, or one for too long.
    pub park_overflows: u64,
    /// Connections that were reset because no descriptor was left for them.
    pub shed: u64,
    /// Bytes taken from consumers; those of them that are under way have not been handed on, and
    /// those that a stage swallowed never will be.
    pub taken_up: u64,
    /// Bytes taken from the provider.
    pub taken_down: u64,
    /// Bytes handed to the provider.
    pub bytes_up: u64,
    /// Bytes handed to consumers.
    pub bytes_down: u64,
    /// Bits per second to the provider, over the last second.
    pub rate_up: u64,
    /// Bits per second to consumers, over the last second.
    pub rate_down: u64,
    /// What has been done to streams on their way to the provider.
    #[serde(default)]
    pub causes_up: Causes,
    /// What has been done to streams on their way to consumers.
    #[serde(default)]
    pub causes_down: Causes,
    /// How late bytes were written to the provider.
    #[serde(default)]
    pub lateness_up: LatenessStats,
    /// How late bytes were written to consumers.
    #[serde(default)]
    pub lateness_down: LatenessStats,
    /// How the link is cut, if it is.
    pub cut: Option<Cut>,
    /// What has become of datagrams, of a link for those. Its connections are then the flows; what is
    /// parked or shed are datagrams; and what was refused are those that came to a closed port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datagrams: Option<DatagramStats>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What has been done to the streams of a link in one direction, each thing under its cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Causes {
    /// SYNs or SYN-ACKs that were lost. Each has cost a second, two, four and so on.
    pub lost_handshakes: u64,
    /// TCP segments that were lost, on the link or on a segment of network.
    pub lost: u64,
    /// TCP segments that were sent again.
    pub sent_again: u64,
    /// TCP segments that a queue has marked (ECN).
    pub marked: u64,
    /// Connections that a stage has reset.
    pub resets: u64,
    /// Connections that a stage has closed.
    pub closes: u64,
    /// Bytes that a stage has swallowed.
    pub swallowed: u64,
}

/// Figures of a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SegmentStats {
    /// Its name.
    pub name: String,
    /// Bytes that have passed towards providers.
    pub bytes_up: u64,
    /// Bytes that have passed towards consumers.
    pub bytes_down: u64,
    /// Segments of streams, and datagrams, of all links, that were lost here by chance or by the queue's
    /// discipline on the way to providers.
    #[serde(default)]
    pub lost_up: u64,
    /// The same on the way back.
    #[serde(default)]
    pub lost_down: u64,
    /// Datagrams, of all links, that were dropped here on the way to providers, whatever the cause.
    #[serde(default)]
    pub dropped_up: u64,
    /// The same on the way back.
    #[serde(default)]
    pub dropped_down: u64,
    /// Bits per second towards providers, over the last second.
    pub rate_up: u64,
    /// Bits per second towards consumers, over the last second.
    pub rate_down: u64,
    /// How the segment is cut, if it is.
    pub cut: Option<CutDirection>,
}
