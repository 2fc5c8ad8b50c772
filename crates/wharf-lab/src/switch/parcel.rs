//! A packet as the machines see it.

use wharf_packet::{Packet, VnetHeader};

use super::pool::Buffer;

/// A packet under way, or several that have not been cut yet.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) bytes: Buffer,
    pub(crate) header: VnetHeader,
    flow: u64,
    ecn: bool,
}

impl Parcel {
    /// What is no IP packet is carried as well: that the receiver finds out.
    pub(crate) fn new(bytes: Buffer, header: VnetHeader) -> Self {
        let (flow, ecn) = Packet::parse(&bytes)
            .map(|packet| (packet.flow(), packet.ecn().is_capable()))
            .unwrap_or_default();
        Self {
            bytes,
            header,
            flow,
            ecn,
        }
    }
}

impl wharf_link::Packet for Parcel {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn flow(&self) -> u64 {
        self.flow
    }

    fn ecn(&self) -> bool {
        self.ecn
    }
}
