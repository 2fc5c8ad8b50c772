//! TLS, where it was spoken to without.

use wharf_facts::Spoken;

use super::Verdict;

/// An alert record (RFC 8446, 5.1 and 6): what a TLS server says to bytes that are no ClientHello.
pub(super) fn recognise(bytes: &[u8]) -> Option<Verdict> {
    match bytes {
        [0x15, 3, 0..=4, 0, 2, 1 | 2, _, ..] => Some(Verdict::of(Spoken::Tls)),
        _ => None,
    }
}
