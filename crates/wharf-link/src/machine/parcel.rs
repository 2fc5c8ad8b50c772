//! A packet inside the machine.

use crate::packet::Packet;

/// A packet with its number and with what has become of it so far.
#[derive(Debug, Clone)]
pub(crate) struct Parcel<P> {
    pub(crate) packet: P,
    pub(crate) index: u64,
    /// What its jitter remembers of its neighbours'.
    pub(crate) score: Option<f64>,
    pub(crate) corrupt: Option<u64>,
    pub(crate) duplicate: bool,
    pub(crate) lost: bool,
    pub(crate) ce: bool,
}

impl<P> Parcel<P> {
    pub(crate) const fn new(packet: P, index: u64) -> Self {
        Self {
            packet,
            index,
            score: None,
            corrupt: None,
            duplicate: false,
            lost: false,
            ce: false,
        }
    }
}

impl<P: Packet> Packet for Parcel<P> {
    /// Of a pair: of both, since both pass.
    fn len(&self) -> usize {
        self.packet.len() << u32::from(self.duplicate)
    }

    fn flow(&self) -> u64 {
        self.packet.flow()
    }

    fn ecn(&self) -> bool {
        self.packet.ecn()
    }
}
