//! The Internet checksum: whole (RFC 1071) and kept up to date (RFC 1624).

use std::net::IpAddr;

use crate::Protocol;

/// A one's complement sum under way. Pieces must have an even length, all but the last.
///
/// It adds 32-bit words as the machine has them: the sum does not depend on the order of bytes, but
/// for a swap of its result (RFC 1071, section 2 (B)), and carries are folded in at the end (2 (C)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// With these bytes too, as 16-bit words. An odd one at the end counts as if a zero followed.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<4>();
        // A packet has at most 2^16 bytes, and 2^32 words fit before the sum could overflow.
        let sum: u64 = words
            .iter()
            .map(|word| u64::from(u32::from_ne_bytes(*word)))
            .sum();
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        self.add(sum).add(u64::from(u32::from_ne_bytes(last)))
    }

    /// With a word too.
    #[must_use]
    pub fn word(self, word: u16) -> Self {
        self.add(u64::from(u16::from_ne_bytes(word.to_be_bytes())))
    }

    /// With what a transport's checksum covers beside its own bytes: the pseudo-header (RFC 9293,
    /// section 3.1; RFC 8200, section 8.1). Both addresses are of one family.
    #[must_use]
    pub fn pseudo_header(self, source: IpAddr, destination: IpAddr, protocol: Protocol, len: usize) -> Self {
        let with = |sum: Self, address| match address {
            IpAddr::V4(address) => sum.bytes(&address.octets()),
            IpAddr::V6(address) => sum.bytes(&address.octets()),
        };
        // In IPv4 the length has 16 bits, in IPv6 32. The sum is the same.
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        with(with(self, source), destination)
            .word(u16::from(protocol.0))
            .bytes(&len.to_be_bytes())
    }

    /// The sum, folded into a word.
    #[must_use]
    pub fn fold(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xFFFF {
            sum = (sum >> 16) + (sum & 0xFFFF);
        }
        // It fits: that is what the loop has seen to.
        let sum = u16::try_from(sum).unwrap_or(u16::MAX);
        u16::from_be_bytes(sum.to_ne_bytes())
    }

    /// The checksum as it stands in a header. Over bytes that contain a right checksum, it is zero.
    #[must_use]
    pub fn checksum(self) -> u16 {
        !self.fold()
    }

    fn add(self, sum: u64) -> Self {
        // Folded to 33 bits, so that no number of additions can overflow.
        Self((self.0 & 0xFFFF_FFFF) + (self.0 >> 32) + (sum & 0xFFFF_FFFF) + (sum >> 32))
    }
}

/// A checksum after one word that it covers went from `old` to `new`: equation 3 of RFC 1624. A
/// checksum that was wrong stays wrong.
#[must_use]
pub fn updated(checksum: u16, old: u16, new: u16) -> u16 {
    Sum::default().word(!checksum).word(!old).word(new).checksum()
}

/// A checksum of UDP as it is sent: zero says that there is none, so a sum of zero is sent as all ones,
/// which adds up to the same (RFC 768). The kernel does so for every protocol whose checksum it
/// completes (`skb_checksum_help`).
#[must_use]
pub(crate) fn never_zero(checksum: u16) -> u16 {
    if checksum == 0 { 0xFFFF } else { checksum }
}
