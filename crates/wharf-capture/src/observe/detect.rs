//! Which protocol it is, from the first bytes of either side.

use super::dissector::{Context, Dissector};
use super::http1::Http1;
use super::http2::{Http2, PREFACE};
use super::mysql::Mysql;
use super::postgres::Postgres;
use super::redis::Redis;
use super::text::first;
use super::tls::Tls;
use crate::direction::Direction;

/// What the first bytes say.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Not enough to tell.
    More,
    Known(Box<dyn Dissector>),
    Unknown,
}

/// How many bytes are enough to tell every protocol from every other.
const ENOUGH: usize = 32;

/// Looks at the first bytes of a direction. `fresh` says that they are the connection's first.
pub(super) fn detect(direction: Direction, bytes: &[u8], fresh: bool, context: Context) -> Verdict {
    let known = match direction {
        Direction::Down => mysql(bytes, context),
        Direction::Up => {
            let all: [Look; 5] = [tls, http2, postgres, redis, http1];
            all.iter()
                .map(|guess| guess(bytes, fresh, context))
                .fold(Guess::No, Guess::or)
        }
    };
    match known {
        Guess::Yes(dissector) => Verdict::Known(dissector),
        Guess::Maybe if bytes.len() < ENOUGH => Verdict::More,
        Guess::Maybe | Guess::No => Verdict::Unknown,
    }
}

/// Looks for one protocol.
type Look = fn(&[u8], bool, Context) -> Guess;

enum Guess {
    Yes(Box<dyn Dissector>),
    /// More bytes will tell.
    Maybe,
    No,
}

impl Guess {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes(dissector), _) | (_, Self::Yes(dissector)) => Self::Yes(dissector),
            (Self::Maybe, _) | (_, Self::Maybe) => Self::Maybe,
            (Self::No, Self::No) => Self::No,
        }
    }
}

/// A server's greeting: packet 0, protocol version 10, a version in text; or an error at once.
fn mysql(bytes: &[u8], context: Context) -> Guess {
    match first::<6>(bytes) {
        None if bytes.get(3).is_some_and(|&number| number != 0) => Guess::No,
        None => Guess::Maybe,
        Some([_, _, 0, 0, 10, b'0'..=b'9'] | [_, _, 0, 0, 0xFF, _]) => {
            Guess::Yes(Box::new(Mysql::new(context)))
        }
        Some(_) => Guess::No,
    }
}

/// A handshake record whose message is a ClientHello.
fn tls(bytes: &[u8], fresh: bool, context: Context) -> Guess {
    match (fresh, bytes) {
        (true, [0x16, 3, _, _, _, 1, ..]) => Guess::Yes(Box::new(Tls::new(context))),
        (true, [0x16] | [0x16, 3] | [0x16, 3, ..]) if bytes.len() < 6 => Guess::Maybe,
        _ => Guess::No,
    }
}

fn http2(bytes: &[u8], fresh: bool, context: Context) -> Guess {
    if fresh && bytes.starts_with(PREFACE) {
        Guess::Yes(Box::new(Http2::new(context)))
    } else if fresh && PREFACE.starts_with(bytes) {
        Guess::Maybe
    } else {
        Guess::No
    }
}

/// A start-up message, which has no type: a length, and a version or a code. Midway, a typed message
/// that a consumer begins with, of a length that makes sense.
fn postgres(bytes: &[u8], fresh: bool, context: Context) -> Guess {
    if fresh {
        return match first::<8>(bytes) {
            Some([0, 0, _, _, 0, 3, 0, _] | [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F | 0x30]) => {
                Guess::Yes(Box::new(Postgres::new(context)))
            }
            Some(_) => Guess::No,
            None if bytes.iter().take(2).all(|&byte| byte == 0) => Guess::Maybe,
            None => Guess::No,
        };
    }
    match bytes {
        [b'Q' | b'P' | b'B', 0, 0, _, _, ..] => Guess::Yes(Box::new(Postgres::midway(context))),
        [b'Q' | b'P' | b'B', rest @ ..] if rest.len() < 4 && rest.iter().take(2).all(|&byte| byte == 0) => {
            Guess::Maybe
        }
        _ => Guess::No,
    }
}

/// An array of strings: `*2\r\n$3\r\n…`.
fn redis(bytes: &[u8], _: bool, context: Context) -> Guess {
    let Some(rest) = bytes.strip_prefix(b"*") else {
        return Guess::No;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match rest.get(digits..) {
        Some([b'\r', b'\n', b'$', ..]) if digits > 0 => Guess::Yes(Box::new(Redis::new(context))),
        Some([] | [b'\r'] | [b'\r', b'\n']) if digits < 8 => Guess::Maybe,
        _ => Guess::No,
    }
}

/// A method, a space, and what a target may begin with.
fn http1(bytes: &[u8], _: bool, context: Context) -> Guess {
    const LONGEST_METHOD: usize = 20;
    let method = bytes
        .iter()
        .take_while(|&&byte| byte.is_ascii_uppercase() || byte == b'-')
        .count();
    match bytes.get(method..) {
        // HTTP/2's preface looks like a request on purpose.
        Some([b' ', b'/' | b'h' | b'*', ..]) if method > 1 && !bytes.starts_with(b"PRI *") => {
            Guess::Yes(Box::new(Http1::new(context)))
        }
        Some([b' ', c, ..]) if bytes.starts_with(b"CONNECT ") && c.is_ascii_alphanumeric() => {
            Guess::Yes(Box::new(Http1::new(context)))
        }
        Some([] | [b' ']) if method <= LONGEST_METHOD => Guess::Maybe,
        _ => Guess::No,
    }
}
