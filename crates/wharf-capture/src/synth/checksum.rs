//! The Internet checksum (RFC 1071).

/// A sum under way. Pieces must have an even length, all but the last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Checksum(u64);

impl Checksum {
    /// Adds bytes, as 16-bit words.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        // Four bytes at a time into 64 bits: carries are folded in at the end (RFC 1071, 2 (C)).
        let (words, rest) = bytes.as_chunks::<4>();
        let sum: u64 = words
            .iter()
            .map(|word| u64::from(u32::from_be_bytes(*word)))
            .sum();
        self.0 += (sum >> 32) + (sum & 0xFFFF_FFFF);
        let mut last = [0; 4];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        self.0 += u64::from(u32::from_be_bytes(last));
    }

    /// The checksum as it stands in a header.
    pub(super) fn finish(self) -> [u8; 2] {
        let mut sum = self.0;
        while sum > 0xFFFF {
            sum = (sum >> 16) + (sum & 0xFFFF);
        }
        // It fits: that is what the loop has seen to.
        let sum = u16::try_from(sum).unwrap_or(u16::MAX);
        (!sum).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_sums_to_ddf2() {
        let mut sum = Checksum::default();
        sum.add(&[0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]);
        assert_eq!(sum.finish(), (!0xDDF2_u16).to_be_bytes());
    }

    #[test]
    fn an_odd_byte_counts_as_if_a_zero_followed() {
        let [mut odd, mut even] = [Checksum::default(); 2];
        odd.add(&[1, 2, 3, 4, 5]);
        even.add(&[1, 2, 3, 4]);
        even.add(&[5, 0]);
        assert_eq!(odd.finish(), even.finish());
    }
}
