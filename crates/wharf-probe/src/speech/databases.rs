//! Databases and caches.

use wharf_facts::Spoken;

use super::Verdict;

/// PostgreSQL's SSLRequest: length 8, code 80877103 (Frontend/Backend Protocol, 55.7). It is answered
/// with one letter before anything is logged, and a client may leave after it.
pub(super) const POSTGRES: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

pub(super) const REDIS: &[u8] = b"PING\r\n";

pub(super) const MEMCACHED: &[u8] = b"version\r\n";

/// MongoDB: OP_MSG with `{hello: 1, $db: "admin"}` (MongoDB Wire Protocol; BSON).
pub(super) const MONGODB: &[u8] = b"\x34\0\0\0\x2a\0\0\0\0\0\0\0\xdd\x07\0\0\
    \0\0\0\0\0\
    \x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";

pub(super) fn recognise(bytes: &[u8]) -> Option<Verdict> {
    postgres(bytes)
        .or_else(|| mysql(bytes))
        .or_else(|| mongodb(bytes))
        .or_else(|| text(bytes))
}

/// `S`, `N`, and `G` of an answer to GSSENCRequest stand alone; `E` begins an ErrorResponse, with fields
/// of which the first is the severity.
fn postgres(bytes: &[u8]) -> Option<Verdict> {
    match bytes {
        [b'S' | b'N'] => Some(Verdict::of(Spoken::Postgres)),
        [b'E', 0, 0, _, _, b'S', rest @ ..] => {
            let is_severity = rest.starts_with(b"FATAL\0") || rest.starts_with(b"ERROR\0");
            let message = field(rest, b'M');
            is_severity.then(|| Verdict::of(Spoken::Postgres).saying(message))
        }
        _ => None,
    }
}

/// The field with this letter of an ErrorResponse: fields end with 0.
fn field(fields: &[u8], letter: u8) -> &[u8] {
    fields
        .split(|&byte| byte == 0)
        .skip(1)
        .find_map(|field| field.strip_prefix(&[letter]))
        .unwrap_or_default()
}

/// Length in three bytes, sequence number 0, then protocol 10 and a version, or an error (MySQL,
/// Protocol::HandshakeV10 and ERR_Packet; before the handshake an error has no SQL state).
fn mysql(bytes: &[u8]) -> Option<Verdict> {
    let [low, middle, 0, 0, rest @ ..] = bytes else {
        return None;
    };
    let length = usize::from(u16::from_le_bytes([*low, *middle]));
    match rest {
        [10, version @ ..] if length > 20 => {
            let end = version.iter().position(|&byte| byte == 0)?;
            let version = &version[..end];
            let is_version = version.first()?.is_ascii_digit() && version.iter().all(u8::is_ascii_graphic);
            is_version.then(|| Verdict::of(Spoken::Mysql).saying(version))
        }
        [0xff, _, 4, message @ ..] if length > 3 && message.len() >= length - 3 => {
            Some(Verdict::of(Spoken::Mysql).saying(&message[..length - 3]))
        }
        _ => None,
    }
}

/// A reply to our request 42, as OP_MSG or, from old ones, OP_REPLY.
fn mongodb(bytes: &[u8]) -> Option<Verdict> {
    let [_, _, _, 0, _, _, _, _, 42, 0, 0, 0, code @ ..] = bytes else {
        return None;
    };
    let is_reply = code.starts_with(&[0xdd, 7, 0, 0]) || code.starts_with(&[1, 0, 0, 0]);
    is_reply.then(|| Verdict::of(Spoken::Mongodb))
}

/// Redis and memcached, who speak in lines.
fn text(bytes: &[u8]) -> Option<Verdict> {
    const REDIS_SAYS: [&[u8]; 8] = [
        b"+PONG",
        b"-ERR ",
        b"-NOAUTH",
        b"-NOPERM",
        b"-DENIED",
        b"-LOADING",
        b"-MASTERDOWN",
        b"-WRONGPASS",
    ];
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &bytes[..end];
    if REDIS_SAYS.iter().any(|start| line.starts_with(start)) {
        return Some(Verdict::of(Spoken::Redis).saying(line).leaving(b"QUIT\r\n"));
    }
    if line == b"ERROR" || line.starts_with(b"CLIENT_ERROR ") {
        return Some(Verdict::of(Spoken::Memcached).leaving(b"quit\r\n"));
    }
    let version = line.strip_prefix(b"VERSION ")?;
    Some(
        Verdict::of(Spoken::Memcached)
            .saying(version)
            .leaving(b"quit\r\n"),
    )
}
