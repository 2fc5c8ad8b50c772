//! What is counted of a switch.

use serde::Serialize;
use wharf_link::Counters;
use wharf_relay::LatenessStats;

/// What has passed a lab's link.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    /// From the command.
    pub up: LaneFigures,
    /// To it.
    pub down: LaneFigures,
}

/// What has passed in one direction.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LaneFigures {
    /// Packets that came out of the near end's kernel. What it left to be cut is one.
    pub read: u64,
    /// Their bytes.
    pub read_bytes: u64,
    /// Those that the kernel left to be cut.
    pub trains: u64,
    /// Pieces that were cut in software.
    pub pieces: u64,
    /// Packets that were handed to the far end's kernel.
    pub written: u64,
    /// Their bytes.
    pub written_bytes: u64,
    /// What was no packet of IP, or said of itself what it was not.
    pub malformed: u64,
    /// Packets for which there was no memory.
    pub out_of_memory: u64,
    /// Packets that the far end's kernel did not take.
    pub not_taken: u64,
    /// What routers answered: packets too big, time exceeded.
    pub icmp_errors: u64,
    /// Each segment's, in the order in which packets pass them.
    pub segments: Vec<SegmentFigures>,
    /// How late packets were written: after their ideal time.
    pub lateness: LatenessStats,
}

/// What one segment did in one direction.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SegmentFigures {
    /// Its name.
    pub name: String,
    /// Packets that were offered to it.
    pub offered: u64,
    /// Packets that it delivered.
    pub delivered: u64,
    /// Dropped: it was cut or off.
    pub outage: u64,
    /// Dropped: longer than its MTU.
    pub mtu: u64,
    /// Dropped: lost.
    pub loss: u64,
    /// Dropped: the queue was full.
    pub queue: u64,
    /// Dropped: by the queue's discipline.
    pub aqm: u64,
    /// Marked (ECN).
    pub marked: u64,
    /// Delivered with a flipped bit.
    pub corrupted: u64,
    /// Delivered twice.
    pub duplicated: u64,
    /// That skipped the latency.
    pub reordered: u64,
}

impl SegmentFigures {
    pub(crate) fn of(name: &str, counters: &Counters) -> Self {
        let outage = counters.dropped_by_cut + counters.dropped_by_outage;
        let dropped = outage
            + counters.dropped_by_mtu
            + counters.dropped_by_loss
            + counters.dropped_by_queue
            + counters.dropped_by_aqm;
        Self {
            name: name.to_owned(),
            offered: counters.accepted + dropped - counters.dropped_inside,
            delivered: counters.delivered,
            outage,
            mtu: counters.dropped_by_mtu,
            loss: counters.dropped_by_loss,
            queue: counters.dropped_by_queue,
            aqm: counters.dropped_by_aqm,
            marked: counters.marked,
            corrupted: counters.corrupted,
            duplicated: counters.duplicated,
            reordered: counters.reordered,
        }
    }

    /// All that it dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.outage + self.mtu + self.loss + self.queue + self.aqm
    }
}
