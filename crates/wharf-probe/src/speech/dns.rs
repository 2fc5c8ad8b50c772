//! DNS over TCP, where messages have their length in front (RFC 1035, 4.2.2).

use wharf_facts::Spoken;

use super::Verdict;

/// A query for the address of `localhost.`, without recursion: nobody else is bothered with it.
pub(super) const QUERY: &[u8] = b"\0\x1bwf\0\0\0\x01\0\0\0\0\0\0\x09localhost\0\0\x01\0\x01";

/// An answer to it, whatever it says.
pub(super) fn recognise(bytes: &[u8]) -> Option<Verdict> {
    match bytes {
        [_, _, b'w', b'f', flags, ..] if flags & 0x80 != 0 => Some(Verdict::of(Spoken::Dns)),
        _ => None,
    }
}
