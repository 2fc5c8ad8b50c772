//! TLS: what the first message of each side says in the clear, and nothing after it.

use super::Sink;
use super::dissector::{Context, Dissector, Moment, Step};
use super::text::{clip, first};
use crate::Timestamp;
use crate::direction::Direction;
use crate::exchange::{Exchange, Protocol, Status};
use crate::hello::{self, Seen};

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

    fn client_hello(&mut self, bytes: &[u8], moment: Moment) -> Step {
        let hello = match hello::read(bytes) {
            Seen::Hello(hello) => hello,
            Seen::NeedMore => return Step::More,
            Seen::NotTls => return Step::GiveUp,
        };
        let mut exchange = self.context.begin(Protocol::Tls, moment);
        exchange.verb = "ClientHello".to_owned();
        exchange.subject = hello.name.unwrap_or_default();
        if !hello.protocols.is_empty() {
            let protocols = hello.protocols.iter().map(|name| clip(name.as_bytes(), 32));
            let protocols: Vec<String> = protocols.collect();
            let field = ("alpn".to_owned(), protocols.join(", "));
            exchange.request.fields.push(field);
        }
        exchange.request.bytes = hello.length as u64;
        self.hello = Some(exchange);
        // The rest is not for us, and is not needed to tell how it was answered.
        Step::Skip {
            take: hello.length,
            skip: u64::MAX,
        }
    }
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
            return self.client_hello(bytes, moment);
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
