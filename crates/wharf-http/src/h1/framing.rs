//! Where bytes of a body are payload, where they are framing, and where they end (RFC 9112 sections 6 and 7).

use super::head::Framing;

/// A body on its way. It is read, not changed: chunks keep their sizes and extensions, trailers stay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyReader(State);

#[derive(Debug, Clone, Copy)]
enum State {
    Length(u64),
    UntilClose,
    /// The digits of a chunk's size.
    Size {
        size: u64,
        digits: u8,
    },
    /// What follows the size in its line.
    Extension {
        size: u64,
    },
    Data {
        left: u64,
    },
    /// The end of the line behind a chunk's data.
    AfterData,
    /// The lines behind the last chunk; and whether the present one is empty so far.
    Trailers {
        at_start: bool,
    },
    Done,
}

/// What is next in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// So many bytes of payload.
    Data(usize),
    /// So many bytes around it.
    Frame(usize),
    /// More must come first.
    More,
    /// The body has ended.
    End,
    /// These are no chunks: nobody knows where this ends.
    Garbled,
}

impl BodyReader {
    pub(crate) fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::UntilClose => State::UntilClose,
            Framing::Chunked => State::size(),
        })
    }

    /// What the first of `bytes` are. They count as taken.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Piece {
        if matches!(self.0, State::Done) {
            return Piece::End;
        }
        if bytes.is_empty() {
            return Piece::More;
        }
        match &mut self.0 {
            State::UntilClose => return Piece::Data(bytes.len()),
            State::Length(left) => {
                let taken = take(left, bytes.len());
                if *left == 0 {
                    self.0 = State::Done;
                }
                return Piece::Data(taken);
            }
            State::Data { left } => {
                let taken = take(left, bytes.len());
                if *left == 0 {
                    self.0 = State::AfterData;
                }
                return Piece::Data(taken);
            }
            _ => {}
        }
        for (index, &byte) in bytes.iter().enumerate() {
            match self.0.after(byte) {
                None => return Piece::Garbled,
                Some(state) => self.0 = state,
            }
            if matches!(self.0, State::Data { .. } | State::Done) {
                return Piece::Frame(index + 1);
            }
        }
        Piece::Frame(bytes.len())
    }
}

impl State {
    fn size() -> Self {
        Self::Size { size: 0, digits: 0 }
    }

    /// The state behind one more byte of framing. As lenient as servers are: a bare newline ends a line.
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if digits < 16 => {
                let digit = char::from(byte).to_digit(16)?;
                Self::Size {
                    size: size << 4 | u64::from(digit),
                    digits: digits + 1,
                }
            }
            (Self::Size { digits: 0, .. }, _) => return None,
            (Self::Size { size, .. } | Self::Extension { size }, b'\n') => match size {
                0 => Self::Trailers { at_start: true },
                left => Self::Data { left },
            },
            (Self::Size { size, .. }, b'\r' | b';' | b' ' | b'\t') | (Self::Extension { size }, _) => {
                Self::Extension { size }
            }
            (Self::AfterData, b'\r') => self,
            (Self::AfterData, b'\n') => Self::size(),
            (Self::Trailers { at_start: true }, b'\n') => Self::Done,
            (Self::Trailers { .. }, b'\n') => Self::Trailers { at_start: true },
            (Self::Trailers { at_start: true }, b'\r') => self,
            (Self::Trailers { .. }, _) => Self::Trailers { at_start: false },
            _ => return None,
        })
    }
}

fn take(left: &mut u64, available: usize) -> usize {
    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(available);
    *left -= taken as u64;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The payload of a body that comes in pieces of `step` bytes, and what is behind it.
    fn read(framing: Framing, text: &[u8], step: usize) -> Result<(Vec<u8>, &[u8]), Piece> {
        let mut body = BodyReader::new(framing);
        let mut payload = Vec::new();
        let mut rest = text;
        loop {
            match body.next(&rest[..step.min(rest.len())]) {
                Piece::Data(length) => {
                    payload.extend_from_slice(&rest[..length]);
                    rest = &rest[length..];
                }
                Piece::Frame(length) => rest = &rest[length..],
                Piece::End => return Ok((payload, rest)),
                piece => return Err(piece),
            }
        }
    }

    #[test]
    fn bodies_end_where_they_end_however_they_come() {
        let chunked = b"4\r\nWiki\r\nA;x=\"y\"\r\npedia in\r\n\r\n0\r\nTrailer: 1\r\n\r\nGET";
        for step in 1..=chunked.len() {
            let read = read(Framing::Chunked, chunked, step);
            assert_eq!(read, Ok((b"Wikipedia in\r\n".to_vec(), &b"GET"[..])), "{step}");
        }
        assert_eq!(
            read(Framing::Length(2), b"abc", 3),
            Ok((b"ab".to_vec(), &b"c"[..]))
        );
        assert_eq!(read(Framing::Length(0), b"abc", 3), Ok((vec![], &b"abc"[..])));
        assert_eq!(read(Framing::Length(4), b"abc", 3), Err(Piece::More));
        assert_eq!(read(Framing::UntilClose, b"abc", 3), Err(Piece::More));
    }

    #[test]
    fn what_are_no_chunks_is_garbled() {
        for text in [
            &b"\r\n"[..],
            b"x\r\n",
            b"1\r\nab\r\n",
            b"11111111111111111\r\n",
            b"-1\r\n",
        ] {
            assert_eq!(
                read(Framing::Chunked, text, text.len()),
                Err(Piece::Garbled),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn chunks_are_read_back(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            step in 1usize..50) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(read(Framing::Chunked, &text, step), Ok((chunks.concat(), &b""[..])));
        }

        #[test]
        fn any_bytes_end_somewhere(text in prop::collection::vec(any::<u8>(), 0..200), step in 1usize..50) {
            let verdict = read(Framing::Chunked, &text, step);
            prop_assert!(matches!(verdict, Ok(_) | Err(Piece::More | Piece::Garbled)));
        }
    }
}
