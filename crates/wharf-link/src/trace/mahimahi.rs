//! Mahimahi's format, read and written. It is read as `mm-link` reads it
//! (`src/frontend/link_queue.cc`), but for the ends of lines, which may be those of Windows.

use std::fmt;

use super::loops::{LONGEST_MILLIS, Loop};
use super::{LONGEST_TEXT, Trace, TraceProblem};

pub(super) fn parse(text: &[u8]) -> Result<Loop, TraceProblem> {
    if text.len() as u64 > LONGEST_TEXT.bytes() {
        return Err(TraceProblem::TooLong { bytes: text.len() });
    }
    let mut counts: Vec<(u32, u32)> = Vec::new();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.is_empty() {
        return Err(TraceProblem::Empty);
    }
    for (line, text) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let millis = millis(line, text.strip_suffix(b"\r").unwrap_or(text))?;
        match counts.last_mut() {
            Some((before, _)) if *before > millis => {
                let before = *before;
                return Err(TraceProblem::Backwards { line, before, millis });
            }
            // The text is so short that its lines can be counted.
            Some((before, count)) if *before == millis => *count += 1,
            _ => counts.push((millis, 1)),
        }
    }
    Loop::new(counts)
}

fn millis(line: usize, text: &[u8]) -> Result<u32, TraceProblem> {
    if text.is_empty() {
        return Err(TraceProblem::Blank { line });
    }
    if !text.iter().all(u8::is_ascii_digit) {
        let hint = hint(text);
        let text = shown(text);
        return Err(TraceProblem::NotANumber { line, text, hint });
    }
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number
        .filter(|&millis| millis <= LONGEST_MILLIS)
        .ok_or_else(|| TraceProblem::LineTooLate {
            line,
            text: shown(text),
        })
}

/// What somebody may have meant who wrote this.
fn hint(text: &[u8]) -> &'static str {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    match text {
        _ if text.starts_with(&GZIP) => "the file is compressed: unpack it first",
        [b'#', ..] => "the format has no comments: remove the line",
        [b'-', ..] => "times begin at 0",
        [b'[' | b'{', ..] => "this is Mahimahi's format, not JSON: one number a line",
        _ if text.contains(&b'.') => "round it: the format has whole milliseconds, one time a line",
        _ if text.contains(&b' ') || text.contains(&b',') || text.contains(&b'\t') => {
            "write one time a line; a rate is given by the number of lines with a time"
        }
        _ => "write one time a line, such as `42`",
    }
}

/// The beginning of a line, fit to be printed.
fn shown(text: &[u8]) -> String {
    const MOST: usize = 32;
    let shown = text.get(..MOST).unwrap_or(text).escape_ascii().to_string();
    match text.len() > MOST {
        true => shown + "…",
        false => shown,
    }
}

/// Writes the trace in Mahimahi's format, one loop of it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (millis, count) in self.counts() {
            for _ in 0..count {
                writeln!(f, "{millis}")?;
            }
        }
        Ok(())
    }
}
