//! HPACK (RFC 7541): the names and values of HTTP/2.
//!
//! A decoder of our own: it may not allocate what a peer says, and those to be had build a table for
//! every string, or belong to a whole HTTP library.

mod huffman;
mod table;

use std::borrow::Cow;

use table::Table;

/// The largest dynamic table that is kept. A peer that is allowed more, and makes use of it, is not
/// followed.
const LARGEST_TABLE: usize = 64 * 1024;

/// The table that is there before anybody says otherwise (RFC 9113, 6.5.2).
const DEFAULT_TABLE: usize = 4_096;

/// What one side has said so far, as its peer remembers it.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
    /// The largest table that the sender may ask for.
    allowed: usize,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            table: Table::new(DEFAULT_TABLE),
            allowed: DEFAULT_TABLE,
        }
    }

    /// The peer allows a table of this size.
    pub(super) fn allow(&mut self, size: u32) {
        self.allowed = usize::try_from(size).unwrap_or(usize::MAX).min(LARGEST_TABLE);
        self.table.resize(self.table.limit().min(self.allowed));
    }

    /// Decodes a whole block. `None`: it is none, and nothing after it can be understood.
    pub(super) fn decode(&mut self, mut block: &[u8], mut field: impl FnMut(&[u8], &[u8])) -> Option<()> {
        while let Some(&first) = block.first() {
            match first {
                0x80.. => {
                    let index = integer(&mut block, 7)?;
                    let (name, value) = self.table.get(index)?;
                    field(name, value);
                }
                0x40.. => {
                    let (name, value) = self.literal(&mut block, 6)?;
                    field(&name, &value);
                    let (name, value) = (name.into_owned(), value.into_owned());
                    self.table.insert(name, value);
                }
                0x20.. => {
                    let size = integer(&mut block, 5)?;
                    if size > self.allowed {
                        return None;
                    }
                    self.table.resize(size);
                }
                _ => {
                    let (name, value) = self.literal(&mut block, 4)?;
                    field(&name, &value);
                }
            }
        }
        Some(())
    }

    /// A name, by its index or in full, and a value.
    fn literal<'a, 'b: 'a>(&'a self, block: &mut &'b [u8], prefix: u32) -> Option<Literal<'a>> {
        let name = match integer(block, prefix)? {
            0 => string(block)?,
            index => Cow::Borrowed(self.table.get(index)?.0),
        };
        Some((name, string(block)?))
    }
}

/// A name and a value, from the block or the table.
type Literal<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// An integer (5.1). `None`: it is cut short, or larger than anything here may be.
fn integer(block: &mut &[u8], prefix: u32) -> Option<usize> {
    let (&first, mut rest) = block.split_first()?;
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(first) & mask;
    if value == mask {
        for shift in [0, 7, 14, 21] {
            let (&digit, behind) = rest.split_first()?;
            rest = behind;
            value += usize::from(digit & 0x7F) << shift;
            if digit & 0x80 == 0 {
                *block = rest;
                return Some(value);
            }
        }
        return None;
    }
    *block = rest;
    Some(value)
}

/// A string (5.2).
fn string<'a>(block: &mut &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let coded = block.first()? & 0x80 != 0;
    let length = integer(block, 7)?;
    let (text, rest) = block.split_at_checked(length)?;
    *block = rest;
    match coded {
        true => huffman::decode(text).map(Cow::Owned),
        false => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits
            .chunks(2)
            .map(|pair| (pair[0] << 4 | pair[1]) as u8)
            .collect()
    }

    fn decoded(decoder: &mut Decoder, block: &str) -> String {
        let mut out = String::new();
        let known = decoder.decode(&hex(block), |name, value| {
            let [name, value] = [name, value].map(String::from_utf8_lossy);
            out.push_str(&format!("{name}: {value}\n"));
        });
        assert_eq!(known, Some(()));
        out
    }

    /// RFC 7541, C.4: three requests on one connection, with Huffman coding.
    #[test]
    fn requests_of_rfc_7541() {
        let mut decoder = Decoder::new();
        let blocks = [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ];
        let all: String = blocks.iter().map(|block| decoded(&mut decoder, block)).collect();
        insta::assert_snapshot!(all, @r"
        :method: GET
        :scheme: http
        :path: /
        :authority: www.example.com
        :method: GET
        :scheme: http
        :path: /
        :authority: www.example.com
        cache-control: no-cache
        :method: GET
        :scheme: https
        :path: /index.html
        :authority: www.example.com
        custom-key: custom-value
        ");
    }

    /// RFC 7541, C.6: responses, with a table of 256 bytes that evicts.
    #[test]
    fn responses_of_rfc_7541() {
        let mut decoder = Decoder::new();
        decoder.table.resize(256);
        let blocks = [
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
             919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
            "4883 640e ffc1 c0bf",
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7
             821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed
             4ee5 b106 3d50 07",
        ];
        let all: String = blocks.iter().map(|block| decoded(&mut decoder, block)).collect();
        insta::assert_snapshot!(all, @r"
        :status: 302
        cache-control: private
        date: Mon, 21 Oct 2013 20:13:21 GMT
        location: https://www.example.com
        :status: 307
        cache-control: private
        date: Mon, 21 Oct 2013 20:13:21 GMT
        location: https://www.example.com
        :status: 200
        cache-control: private
        date: Mon, 21 Oct 2013 20:13:22 GMT
        location: https://www.example.com
        content-encoding: gzip
        set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1
        ");
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for block in [
            "80",
            "ff ff ff ff ff 0f",
            "be",
            "40 81",
            "00 03 61 62",
            "3f e1 ff 03",
            "00 81 00 00",
        ] {
            let mut decoder = Decoder::new();
            assert_eq!(decoder.decode(&hex(block), |_, _| {}), None, "{block}");
        }
    }
}
