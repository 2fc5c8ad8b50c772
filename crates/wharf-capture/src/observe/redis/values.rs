//! RESP values: where one ends, however deep it is.

use super::super::text::line;

/// How deep arrays may lie in one another.
const DEEPEST: usize = 16;

/// How long a line may be: a simple string, a number, or a length.
const LONGEST_LINE: usize = 8 * 1024;

/// A value under way.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// How many values are still to come, for each array that is open.
    open: Vec<u64>,
    /// Whether the value that comes is the one that an attribute of RESP3 speaks of.
    attributed: bool,
    spoilt: bool,
}

/// What comes next of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    More,
    Piece,
    /// A piece, and so many bytes of a string. If nothing is under way then, the value is whole.
    Skip(u64),
    /// A piece, and the value is whole by it.
    Whole,
}

impl Values {
    /// Whether no value is under way.
    pub(super) fn is_at_start(&self) -> bool {
        self.open.is_empty() && !self.attributed
    }

    /// Makes it understand nothing any more.
    pub(super) fn spoil(&mut self) {
        self.spoilt = true;
    }

    /// The next part, and how long it is. `None`: it is no RESP.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<(Part, usize)> {
        if self.spoilt {
            return None;
        }
        let Some((header, taken)) = line(bytes) else {
            return (bytes.len() < LONGEST_LINE).then_some((Part::More, 0));
        };
        let (kind, rest) = header.split_first()?;
        let number = || std::str::from_utf8(rest).ok()?.parse::<i64>().ok();
        let part = match kind {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => self.one_less(),
            b'$' | b'=' | b'!' => match u64::try_from(number()?) {
                Ok(length) => {
                    self.one_less();
                    Part::Skip(length.checked_add(2)?)
                }
                // `$-1` is nothing.
                Err(_) => self.one_less(),
            },
            b'*' | b'~' | b'>' => self.begin(number()?, 1)?,
            b'%' => self.begin(number()?, 2)?,
            b'|' => {
                // An attribute stands before the value it speaks of, and is none itself: it is as if
                // there were one more.
                let values = u64::try_from(number()?).ok()?.checked_mul(2)?;
                self.attributed |= self.open.is_empty();
                match self.open.last_mut() {
                    Some(left) => *left = left.checked_add(values)?,
                    None => self.open.push(values.checked_add(1)?),
                }
                Part::Piece
            }
            _ => return None,
        };
        Some((part, taken))
    }

    fn begin(&mut self, count: i64, each: u64) -> Option<Part> {
        match u64::try_from(count) {
            Ok(count) if count > 0 => {
                if self.open.len() >= DEEPEST {
                    return None;
                }
                self.open.push(count.checked_mul(each)?);
                Some(Part::Piece)
            }
            // Empty, or `*-1`, which is nothing.
            _ => Some(self.one_less()),
        }
    }

    /// A value has ended, and with it perhaps those around it.
    fn one_less(&mut self) -> Part {
        while let Some(left) = self.open.last_mut() {
            *left = left.saturating_sub(1);
            if *left > 0 {
                return Part::Piece;
            }
            self.open.pop();
        }
        self.attributed = false;
        Part::Whole
    }
}
