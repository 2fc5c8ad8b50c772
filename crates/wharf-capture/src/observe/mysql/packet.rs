//! Packets: three bytes of length, a number, and so much content.

use super::super::dissector::Step;
use super::super::text::first;

/// A packet of this length is gone on with in the next.
const LONGEST: u32 = 0xFF_FFFF;

#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) length: u32,
    pub(super) number: u8,
}

impl Header {
    /// `None`: more is needed.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, number] = first::<4>(bytes)?;
        Some(Self {
            length: u32::from_le_bytes([a, b, c, 0]),
            number,
        })
    }

    /// All of the packet, in bytes.
    pub(super) fn size(self) -> u64 {
        u64::from(self.length) + 4
    }

    /// What has been seen of it with so much of its content.
    pub(super) fn seen(self, content: &[u8]) -> u64 {
        content.len() as u64 + 4
    }

    pub(super) fn is_continued(self) -> bool {
        self.length == LONGEST
    }
}

/// A packet, and the beginning of its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) header: Header,
    pub(super) content: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None`: more is needed.
    pub(super) fn read(header: Header, bytes: &'a [u8], looked_at: usize) -> Option<Self> {
        let most = usize::try_from(header.length)
            .unwrap_or(usize::MAX)
            .min(looked_at);
        let content = bytes.get(4..4 + most)?;
        Some(Self { header, content })
    }

    pub(super) fn step(&self) -> Step {
        Step::Skip {
            take: 4 + self.content.len(),
            skip: self.header.size() - self.header.seen(self.content),
        }
    }
}
