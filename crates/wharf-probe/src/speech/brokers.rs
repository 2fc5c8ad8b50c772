//! Message brokers.

use wharf_facts::Spoken;

use super::Verdict;

/// AMQP 0-9-1's protocol header (4.2.2). RabbitMQ answers with connection.start.
pub(super) const AMQP: &[u8] = b"AMQP\0\0\x09\x01";

/// Kafka: ApiVersions (key 18), version 0, correlation 42, client `wharf`: the one request that every
/// broker answers before any authentication (KIP-35).
pub(super) const KAFKA: &[u8] = b"\0\0\0\x0f\0\x12\0\0\0\0\0\x2a\0\x05wharf";

/// MQTT 3.1.1: CONNECT with a clean session, no keep-alive, and an empty client id, which the server
/// replaces (3.1.3.1). No user, no password.
pub(super) const MQTT: &[u8] = b"\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0";

pub(super) fn recognise(bytes: &[u8]) -> Option<Verdict> {
    amqp(bytes)
        .or_else(|| kafka(bytes))
        .or_else(|| mqtt(bytes))
        .or_else(|| nats(bytes))
}

/// The header that it would have liked, or connection.start: a method frame on channel 0 of class 10,
/// method 10.
fn amqp(bytes: &[u8]) -> Option<Verdict> {
    if bytes.len() >= 8 && bytes.starts_with(b"AMQP") {
        return Some(Verdict::of(Spoken::Amqp));
    }
    let [1, 0, 0, _, _, _, _, 0, 10, 0, 10, properties @ ..] = bytes else {
        return None;
    };
    Some(Verdict::of(Spoken::Amqp).saying(&product(properties)))
}

/// `product` and `version` of the server's properties: long strings in a table (4.2.5).
fn product(properties: &[u8]) -> Vec<u8> {
    let value = |key: &[u8]| {
        let at = properties.windows(key.len()).position(|window| window == key)? + key.len();
        let [b'S', a, b, c, d, text @ ..] = properties.get(at..)? else {
            return None;
        };
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?;
        text.get(..length)
    };
    let parts = [value(b"\x07product"), value(b"\x07version")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(&b' ')
}

/// The answer to our correlation id. A broker that knows no version 0 says error 35 and lists what it
/// knows.
fn kafka(bytes: &[u8]) -> Option<Verdict> {
    match bytes {
        [0, _, _, _, 0, 0, 0, 42, 0, 0 | 35, ..] => Some(Verdict::of(Spoken::Kafka)),
        _ => None,
    }
}

/// CONNACK: two bytes, flags, and a return code from 0 to 5, or MQTT 5's above 0x80 (3.2).
fn mqtt(bytes: &[u8]) -> Option<Verdict> {
    let [0x20, 2 | 3, 0 | 1, code, ..] = bytes else {
        return None;
    };
    let says: &[u8] = match code {
        0 => b"accepts without a password",
        4 | 5 | 0x86 | 0x87 => b"asks for a password",
        _ => b"refuses this client",
    };
    // DISCONNECT.
    Some(Verdict::of(Spoken::Mqtt).saying(says).leaving(b"\xe0\0"))
}

/// `INFO {"server_id":…,"version":"2.9.10",…}`, said first.
fn nats(bytes: &[u8]) -> Option<Verdict> {
    let rest = bytes.strip_prefix(b"INFO {")?;
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let text = String::from_utf8_lossy(&rest[..end]);
    let version = text
        .split_once("\"version\":\"")
        .and_then(|(_, after)| after.split_once('"'))
        .map_or_else(String::new, |(version, _)| format!("NATS {version}"));
    Some(Verdict::of(Spoken::Nats).saying(version.as_bytes()))
}
