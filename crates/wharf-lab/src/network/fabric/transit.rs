//! A packet between two nodes.

use wharf_link::Packet;
use wharf_topology::{NodeId, SegmentId};

use crate::switch::parcel::Parcel;
use crate::switch::pool::Pool;

/// A packet on its way over a segment, or over a link and then a segment.
#[derive(Debug)]
pub(super) struct Transit {
    pub(super) from: NodeId,
    pub(super) over: SegmentId,
    /// Who has it next.
    pub(super) to: NodeId,
    pub(super) parcel: Parcel,
}

impl Transit {
    /// A second one. `None`: there is no memory.
    pub(super) fn copy(&self, pool: &Pool) -> Option<Self> {
        let mut bytes = pool.take(self.parcel.bytes.len())?;
        bytes.copy_from_slice(&self.parcel.bytes);
        Some(Self {
            parcel: Parcel::new(bytes, self.parcel.header),
            ..*self
        })
    }
}

impl Packet for Transit {
    fn len(&self) -> usize {
        self.parcel.len()
    }

    fn flow(&self) -> u64 {
        self.parcel.flow()
    }

    fn ecn(&self) -> bool {
        self.parcel.ecn()
    }
}
