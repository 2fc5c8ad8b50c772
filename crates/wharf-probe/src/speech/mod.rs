//! What to say to a listener, and what its answer shows: bytes in, verdict out.
//!
//! An answer is held against every protocol, not only the one that was tried: Redis answers an HTTP
//! request with an error of its own, memcached with `ERROR`, RabbitMQ with the header it would have
//! liked. So one question often settles several.
//!
//! Nothing here can fail: bytes that fit nothing are no verdict yet, and more may follow.

mod banner;
mod brokers;
mod databases;
mod debuggers;
pub(crate) mod dns;
mod opening;
mod tls;
mod websocket;

use wharf_facts::Spoken;

pub(crate) use opening::{Opening, openings};
pub(crate) use websocket::{ACCEPTED, KEY};

/// What a listener's bytes show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What it speaks.
    pub spoken: Spoken,
    /// What it says of itself, such as a version: one line, at most 200 characters.
    pub says: Option<String>,
    /// What a client says that leaves.
    pub farewell: &'static [u8],
}

impl Verdict {
    fn of(spoken: Spoken) -> Self {
        Self {
            spoken,
            says: None,
            farewell: b"",
        }
    }

    fn saying(self, says: &[u8]) -> Self {
        Self {
            says: line(says),
            ..self
        }
    }

    fn leaving(self, farewell: &'static [u8]) -> Self {
        Self { farewell, ..self }
    }
}

/// What `bytes`, the first that a listener sent, show. They may be the answer to any question, or
/// to none. `None` is not yet, or not at all.
#[must_use]
pub fn recognise(bytes: &[u8]) -> Option<Verdict> {
    databases::recognise(bytes)
        .or_else(|| brokers::recognise(bytes))
        .or_else(|| debuggers::recognise(bytes))
        .or_else(|| tls::recognise(bytes))
        .or_else(|| dns::recognise(bytes))
        .or_else(|| banner::recognise(bytes))
}

/// The most characters that are kept of a line.
const LINE: usize = 200;

/// The first line of `bytes`, without what a terminal would act upon; `None` if that is nothing.
pub(crate) fn line(bytes: &[u8]) -> Option<String> {
    let end = bytes
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r' | 0))
        .unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end.min(4 * LINE)]);
    let clean = plain(&text);
    (!clean.is_empty()).then_some(clean)
}

/// `text` in one line: without control characters, among them those that turn the direction of
/// writing; with single spaces; cut.
pub(crate) fn plain(text: &str) -> String {
    let mut clean = String::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(|&letter| !is_control(letter)).collect();
        if word.is_empty() {
            continue;
        }
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(&word);
    }
    clean.chars().take(LINE).collect()
}

/// Whether a terminal may act upon it: C0, C1, and Unicode's bidirectional and invisible marks.
fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
