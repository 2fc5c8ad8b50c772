//! Where the parts of an HTTP/1.1 message begin and end.

use super::super::text::line;

/// How long a line may be. Servers take 8 to 16 KiB.
const LONGEST_LINE: usize = 16 * 1024;

/// One direction.
#[derive(Debug)]
pub(super) struct Half {
    phase: Phase,
    length: Option<u64>,
    chunked: Chunked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Start,
    Fields,
    /// So much of the body is left.
    Length(u64),
    UntilClose,
    ChunkSize,
    /// So much of the chunk is left, its CRLF included.
    Chunk(u64),
    Trailer,
}

/// What `Transfer-Encoding` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunked {
    No,
    Yes,
    /// An encoding whose end only the connection's end tells.
    Other,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    None,
    /// There is none, and it is not the answer yet.
    Interim,
    Length(u64),
    Chunked,
    UntilClose,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Found<'a> {
    More,
    /// So much of a body, which need not be seen.
    Skip(u64),
    /// A piece, and how long it is.
    Piece(Piece<'a>, usize),
}

#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// Framing.
    Nothing,
    Start(&'a [u8]),
    Field(&'a [u8], &'a [u8]),
    HeadEnd,
    Body(&'a [u8]),
    /// The message is whole.
    End,
}

impl Half {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Start,
            length: None,
            chunked: Chunked::No,
        }
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new();
    }

    /// The body that the head has announced, or else `other`. `None`: it contradicts itself.
    pub(super) fn framing(&self, other: Body) -> Option<Body> {
        match (self.chunked, self.length) {
            (Chunked::Yes, _) => Some(Body::Chunked),
            (Chunked::Other, _) => (other == Body::UntilClose).then_some(other),
            (Chunked::No, Some(length)) => Some(Body::Length(length)),
            (Chunked::No, None) => Some(other),
        }
    }

    /// Goes on with the body. Says whether there is none.
    pub(super) fn begin_body(&mut self, body: Body) -> bool {
        self.phase = match body {
            Body::None | Body::Interim | Body::Length(0) => return true,
            Body::Length(length) => Phase::Length(length),
            Body::Chunked => Phase::ChunkSize,
            Body::UntilClose => Phase::UntilClose,
        };
        false
    }

    pub(super) fn ends_with_connection(&self) -> bool {
        self.phase == Phase::UntilClose
    }

    /// Finds the next piece; of a body, at most `wanted` bytes are to be seen. `None`: it is no HTTP.
    pub(super) fn next<'a>(&mut self, bytes: &'a [u8], wanted: usize) -> Option<Found<'a>> {
        match self.phase {
            Phase::Start | Phase::Fields | Phase::Trailer | Phase::ChunkSize => match line(bytes) {
                Some((line, length)) => Some(Found::Piece(self.line(line)?, length)),
                None => (bytes.len() < LONGEST_LINE).then_some(Found::More),
            },
            Phase::UntilClose => Some(match bytes.get(..wanted.min(bytes.len())) {
                Some(part) if !part.is_empty() => Found::Piece(Piece::Body(part), part.len()),
                _ => Found::Skip(u64::MAX),
            }),
            Phase::Length(left) => {
                let found = body(bytes, left, wanted);
                if let Found::Piece(_, length) = found {
                    return Some(self.took(bytes, length));
                }
                Some(found)
            }
            Phase::Chunk(left) => {
                // Its CRLF is not of the body.
                let found = body(bytes, left.saturating_sub(2), wanted);
                match found {
                    Found::Piece(_, length) => {
                        self.phase = Phase::Chunk(left - length as u64);
                        Some(found)
                    }
                    _ => Some(Found::Skip(left)),
                }
            }
        }
    }

    /// A part of a body of known length.
    fn took<'a>(&mut self, bytes: &'a [u8], length: usize) -> Found<'a> {
        if let Phase::Length(left) = self.phase {
            self.phase = Phase::Length(left.saturating_sub(length as u64));
        }
        Found::Piece(Piece::Body(bytes.get(..length).unwrap_or_default()), length)
    }

    /// Bytes that were to be skipped have passed. Says whether the message may be whole by that.
    pub(super) fn skipped(&mut self, count: u64) -> bool {
        match &mut self.phase {
            Phase::Length(left) => {
                *left = left.saturating_sub(count);
                *left == 0
            }
            Phase::Chunk(left) => {
                *left = left.saturating_sub(count);
                if *left == 0 {
                    self.phase = Phase::ChunkSize;
                }
                false
            }
            _ => false,
        }
    }

    /// Whether a body of known length has ended with what was seen of it.
    pub(super) fn body_is_over(&self) -> bool {
        self.phase == Phase::Length(0)
    }

    fn line<'a>(&mut self, line: &'a [u8]) -> Option<Piece<'a>> {
        match self.phase {
            Phase::Start if line.is_empty() => Some(Piece::Nothing),
            Phase::Start => {
                self.phase = Phase::Fields;
                Some(Piece::Start(line))
            }
            Phase::Trailer if line.is_empty() => Some(Piece::End),
            Phase::Fields if line.is_empty() => Some(Piece::HeadEnd),
            Phase::Fields | Phase::Trailer => self.field(line),
            Phase::ChunkSize => {
                let size = line.split(|&byte| byte == b';').next()?.trim_ascii();
                let size = u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
                self.phase = match size {
                    0 => Phase::Trailer,
                    size => Phase::Chunk(size.checked_add(2)?),
                };
                Some(Piece::Nothing)
            }
            Phase::Length(_) | Phase::UntilClose | Phase::Chunk(_) => None,
        }
    }

    fn field<'a>(&mut self, line: &'a [u8]) -> Option<Piece<'a>> {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let value = value.get(1..)?.trim_ascii();
        if self.phase == Phase::Fields {
            if name.eq_ignore_ascii_case(b"content-length") {
                let length = std::str::from_utf8(value).ok()?.parse().ok()?;
                if self.length.is_some_and(|before| before != length) {
                    return None;
                }
                self.length = Some(length);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                let last = value.rsplit(|&byte| byte == b',').next()?.trim_ascii();
                self.chunked = match last.eq_ignore_ascii_case(b"chunked") {
                    true => Chunked::Yes,
                    false => Chunked::Other,
                };
            }
        }
        Some(Piece::Field(name, value))
    }
}

/// A part of a body of which `left` bytes are to come.
fn body(bytes: &[u8], left: u64, wanted: usize) -> Found<'_> {
    let most = usize::try_from(left).unwrap_or(usize::MAX).min(wanted);
    match bytes.get(..most.min(bytes.len())) {
        Some(part) if !part.is_empty() => Found::Piece(Piece::Body(part), part.len()),
        _ => Found::Skip(left),
    }
}
