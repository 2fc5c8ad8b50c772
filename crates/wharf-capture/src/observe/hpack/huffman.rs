//! The Huffman code (RFC 7541, Appendix B). It is canonical, so lengths say it all.

use std::sync::LazyLock;

/// The end of a string, which no string has in it.
const END: usize = 256;

/// The longest code, in bits.
const LONGEST: usize = 30;

/// The length of each symbol's code, in bits.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Symbols in the order of their codes, and how many there are of each length.
struct Code {
    symbols: Vec<usize>,
    counts: [u32; LONGEST + 1],
}

static CODE: LazyLock<Code> = LazyLock::new(|| {
    let mut symbols: Vec<usize> = (0..LENGTHS.len()).collect();
    symbols.sort_by_key(|&symbol| LENGTHS.get(symbol));
    let mut counts = [0; LONGEST + 1];
    for &length in &LENGTHS {
        if let Some(count) = counts.get_mut(usize::from(length)) {
            *count += 1;
        }
    }
    Code { symbols, counts }
});

/// Decodes a string. `None`: it is not of this code.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // The shortest code has five bits.
    let mut out = Vec::with_capacity(text.len() * 8 / 5);
    let mut walk = Walk::default();
    for byte in text {
        for bit in (0..8).rev() {
            if let Some(symbol) = walk.step(u32::from(byte >> bit & 1))? {
                out.push(u8::try_from(symbol).ok()?);
            }
        }
    }
    walk.ends_well().then_some(out)
}

/// The way from the root of the code's tree, level by level (Schwartz and Kallick, 1964).
#[derive(Default)]
struct Walk {
    /// The bits so far.
    code: u32,
    length: usize,
    /// The first code of this length, and where its symbol stands.
    first: u32,
    index: u32,
}

impl Walk {
    /// Goes down one bit. `None`: there is no such code. `Some(None)`: it goes on.
    #[expect(clippy::option_option, reason = "no code and no whole code are two things")]
    fn step(&mut self, bit: u32) -> Option<Option<usize>> {
        self.length += 1;
        self.code = self.code << 1 | bit;
        let count = *CODE.counts.get(self.length)?;
        let place = self.code.checked_sub(self.first)?;
        if place < count {
            let symbol = *CODE.symbols.get((self.index + place) as usize)?;
            *self = Self::default();
            return (symbol != END).then_some(Some(symbol));
        }
        self.index += count;
        self.first = (self.first + count) << 1;
        Some(None)
    }

    /// What is left over are fewer than eight bits, all of them ones (5.2).
    fn ends_well(&self) -> bool {
        self.length < 8 && self.code.count_ones() as usize == self.length
    }
}
