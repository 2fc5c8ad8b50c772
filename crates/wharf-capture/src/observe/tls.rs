//! TLS: what the first message of each side says in the clear, and nothing after it.

use super::Sink;
use super::dissector::{Context, Dissector, Moment, Step};
use super::text::{clip, first};
use crate::Timestamp;
use crate::direction::Direction;
use crate::exchange::{Exchange, Protocol, Status};

/// How long a ClientHello may be. One with post-quantum key shares and a session ticket has some
/// 2,000 bytes.
const LONGEST: usize = 16 * 1024;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

#[derive(Debug)]
pub(super) struct Tls {
    context: Context,
    hello: Option<Exchange>,
}

impl Tls {
    pub(super) fn new(context: Context) -> Self {
        Self { context, hello: None }
    }

    fn client_hello(&mut self, bytes: &[u8], moment: Moment) -> Option<Step> {
        let Some([HANDSHAKE, 3, _, high, low]) = first::<5>(bytes) else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > LONGEST {
            return None;
        }
        let Some(record) = bytes.get(5..5 + length) else {
            return Some(Step::More);
        };
        let hello = Hello::read(record)?;
        let mut exchange = self.context.begin(Protocol::Tls, moment);
        exchange.verb = "ClientHello".to_owned();
        exchange.subject = hello.name;
        if !hello.protocols.is_empty() {
            exchange.request.fields.push(("alpn".to_owned(), hello.protocols));
        }
        exchange.request.bytes = (5 + length) as u64;
        self.hello = Some(exchange);
        // The rest is not for us, and is not needed to tell how it was answered.
        Some(Step::Skip {
            take: 5 + length,
            skip: u64::MAX,
        })
    }
}

/// What a ClientHello says (RFC 8446, 4.1.2).
#[derive(Debug, Default)]
struct Hello {
    /// The server's name (RFC 6066, 3).
    name: String,
    /// The protocols to choose from (RFC 7301, 3.1).
    protocols: String,
}

impl Hello {
    fn read(record: &[u8]) -> Option<Self> {
        // The message's type and length, a version and 32 random bytes.
        let mut rest = record.get(4 + 2 + 32..)?;
        let _session = sized(&mut rest, 1)?;
        let _suites = sized(&mut rest, 2)?;
        let _compressions = sized(&mut rest, 1)?;
        let mut hello = Self::default();
        // A hello that goes on in a second record tells what it has told by then.
        let mut whole = rest;
        let mut extensions = match sized(&mut whole, 2) {
            Some(extensions) => extensions,
            None => rest.get(2..).unwrap_or_default(),
        };
        while let Some(kind) = first::<2>(extensions) {
            extensions = extensions.get(2..)?;
            let Some(mut content) = sized(&mut extensions, 2) else {
                break;
            };
            match u16::from_be_bytes(kind) {
                0 => hello.name = server_name(&mut content).unwrap_or_default(),
                16 => hello.protocols = protocols(&mut content).unwrap_or_default(),
                _ => {}
            }
        }
        Some(hello)
    }
}

fn server_name(content: &mut &[u8]) -> Option<String> {
    let mut names = sized(content, 2)?;
    let (&kind, rest) = names.split_first()?;
    names = rest;
    (kind == 0).then_some(clip(sized(&mut names, 2)?, 255))
}

fn protocols(content: &mut &[u8]) -> Option<String> {
    let mut list = sized(content, 2)?;
    let mut names: Vec<String> = Vec::new();
    while let Some(name) = sized(&mut list, 1) {
        if names.len() < 8 {
            names.push(clip(name, 32));
        }
    }
    Some(names.join(", "))
}

/// Takes what has its length in `width` bytes before it.
fn sized<'a>(rest: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_at_checked(width)?;
    let length = length
        .iter()
        .fold(0, |length, &byte| length << 8 | usize::from(byte));
    let (content, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some(content)
}

/// The names of the alerts that a development machine meets (RFC 8446, 6).
fn alert(code: u8) -> &'static str {
    match code {
        0 => "close_notify",
        40 => "handshake_failure",
        42 => "bad_certificate",
        46 => "certificate_unknown",
        48 => "unknown_ca",
        50 => "decode_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        112 => "unrecognized_name",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "",
    }
}

impl Dissector for Tls {
    fn protocol(&self) -> Protocol {
        Protocol::Tls
    }

    fn step(&mut self, direction: Direction, bytes: &[u8], moment: Moment, sink: &mut Sink<'_>) -> Step {
        if direction == Direction::Up {
            return self.client_hello(bytes, moment).unwrap_or(Step::GiveUp);
        }
        let Some([kind, _, _, high, low, level, code]) = first::<7>(bytes) else {
            return Step::More;
        };
        if let Some(mut exchange) = self.hello.take() {
            exchange.answer(moment.first, 5 + u64::from(u16::from_be_bytes([high, low])));
            exchange.status = Some(match (kind, level) {
                (HANDSHAKE, 2) => Status::Ok("ServerHello".to_owned()),
                (ALERT, _) => Status::Error {
                    code: code.to_string(),
                    message: alert(code).to_owned(),
                },
                _ => return Step::GiveUp,
            });
            sink(exchange.complete(moment.now));
        }
        // Nothing more can be seen.
        Step::GiveUp
    }

    fn passed(&mut self, _: Direction, _: u64, _: u64, _: Timestamp, _: &mut Sink<'_>) {}

    fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        if let Some(exchange) = self.hello.take() {
            sink(exchange.abandon(now));
        }
    }
}
