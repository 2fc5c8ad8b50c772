//! A packet as the machines see it.

use std::fmt;

use wharf_packet::{Packet, PacketMut, VnetHeader, flip_bit};

use super::pool::Buffer;

/// A packet under way, or several that have not been cut yet.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) bytes: Buffer,
    pub(crate) header: VnetHeader,
    pub(crate) story: Story,
    flow: u64,
    ecn: bool,
}

/// What has been done to a packet on its way, for those who look. Nothing as long as nobody does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story(
    // A word of its own, so that packets of whom nothing is told take no more memory than that.
    #[expect(
        clippy::box_collection,
        reason = "a String takes three words, and most have none"
    )]
    Option<Box<String>>,
);

impl Story {
    pub(crate) fn add(&mut self, event: fmt::Arguments<'_>) {
        let story = self.0.get_or_insert_default();
        if !story.is_empty() {
            story.push_str("; ");
        }
        story.push_str(&event.to_string());
    }

    pub(crate) fn text(&self) -> &str {
        self.0.as_deref().map_or("", String::as_str)
    }
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
            story: Story::default(),
            flow,
            ecn,
        }
    }

    /// The packet, if it is one of IP.
    pub(crate) fn packet(&self) -> Option<Packet<'_>> {
        Packet::parse(&self.bytes).ok()
    }

    /// Does to it what a machine has decided: marks it, flips a bit.
    pub(crate) fn suffer(&mut self, ce: bool, corrupt: Option<u64>) {
        if ce && let Ok(mut packet) = PacketMut::parse(&mut self.bytes) {
            packet.mark_ce();
        }
        if let Some(bit) = corrupt {
            // The damage is to be found by whoever sums it up, so the sum must be there before.
            let _ = self.header.complete_checksum(&mut self.bytes);
            self.header = VnetHeader::default();
            let bits = self.bytes.len() as u64 * 8;
            flip_bit(&mut self.bytes, bit % bits.max(1));
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
