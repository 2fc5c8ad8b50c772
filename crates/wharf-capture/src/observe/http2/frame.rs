//! Frames (RFC 9113, 4 and 6).

use super::super::text::first;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Reset,
    Settings,
    Promise,
    Continuation,
    Other,
}

impl Kind {
    /// Whether its payload has to be seen.
    pub(super) fn is_looked_at(self) -> bool {
        !matches!(self, Self::Other | Self::Data)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const ACK: u8 = 0x1;
    pub(super) const END_STREAM: u8 = 0x1;
    pub(super) const END_HEADERS: u8 = 0x4;
    pub(super) const PADDED: u8 = 0x8;
    pub(super) const PRIORITY: u8 = 0x20;

    pub(super) fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) length: u32,
    pub(super) kind: Kind,
    pub(super) flags: Flags,
    pub(super) stream: u32,
}

impl Header {
    pub(super) const SIZE: usize = 9;

    /// `None`: more is needed.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = first::<9>(bytes)?;
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            3 => Kind::Reset,
            4 => Kind::Settings,
            5 => Kind::Promise,
            9 => Kind::Continuation,
            _ => Kind::Other,
        };
        Some(Self {
            length: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags: Flags(flags),
            stream: u32::from_be_bytes(stream) & 0x7FFF_FFFF,
        })
    }
}

/// The part of a header block that a frame has, without padding and priority. `None`: there is none.
pub(super) fn fragment(header: Header, payload: &[u8]) -> Option<&[u8]> {
    let mut rest = payload;
    if header.flags.has(Flags::PADDED) {
        let (&padding, behind) = rest.split_first()?;
        rest = behind.get(..behind.len().checked_sub(usize::from(padding))?)?;
    }
    match header.kind {
        Kind::Promise => rest.get(4..),
        _ if header.flags.has(Flags::PRIORITY) => rest.get(5..),
        _ => Some(rest),
    }
}

/// The size of the table that a SETTINGS frame allows, if it says one; the last counts.
pub(super) fn table_size(payload: &[u8]) -> Option<u32> {
    let (settings, _) = payload.as_chunks::<6>();
    settings
        .iter()
        .filter(|[high, low, ..]| [*high, *low] == [0, 1])
        .map(|[_, _, value @ ..]| u32::from_be_bytes(*value))
        .next_back()
}
