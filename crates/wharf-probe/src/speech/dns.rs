//! DNS. Over TCP messages have their length in front (RFC 1035, 4.2.2); over UDP they have not.

use wharf_facts::Spoken;

use super::Verdict;

/// A query for the address of `localhost.`, without recursion: nobody else is bothered with it.
pub(crate) const QUERY: &[u8] = b"\0\x1bwf\0\0\0\x01\0\0\0\0\0\0\x09localhost\0\0\x01\0\x01";

/// Where the message begins within it.
pub(crate) const LENGTH: usize = 2;

/// An answer to it, whatever it says.
pub(super) fn recognise(bytes: &[u8]) -> Option<Verdict> {
    match bytes {
        [_, _, b'w', b'f', flags, ..] if flags & 0x80 != 0 => Some(Verdict::of(Spoken::Dns)),
        _ => None,
    }
}

/// Whether a datagram is an answer to it.
pub(crate) fn is_answer(datagram: &[u8]) -> bool {
    matches!(datagram, [b'w', b'f', flags, ..] if flags & 0x80 != 0) && datagram.len() >= HEADER
}

/// The length of a message's header (RFC 1035, 4.1.1).
const HEADER: usize = 12;
