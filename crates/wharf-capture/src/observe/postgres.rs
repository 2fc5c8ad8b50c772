//! PostgreSQL, protocol 3 ("Frontend/Backend Protocol" in its manual).
//!
//! A simple query is an exchange, up to `ReadyForQuery`. So is each `Execute` of the extended protocol,
//! up to its `CommandComplete`; what was parsed and bound for it counts as part of its request.
//! A statement that is only prepared is an exchange of its own, and so is the start-up.

mod questions;

use super::Sink;
use super::dissector::{Context, Dissector, Moment, Step};
use super::text::{clip, first, until_nul};
use crate::Timestamp;
use crate::direction::Direction;
use crate::exchange::{Protocol, Status};
use crate::redact::sql::{self, Dialect};

use questions::{Kind, Questions};

/// How much of a message with text in it is looked at.
const LONGEST_TEXT: usize = sql::LONGEST * 4;

#[derive(Debug)]
pub(super) struct Postgres {
    context: Context,
    up: Up,
    down: Down,
    questions: Questions,
    /// Whether what passes unseen still belongs to the answer under way.
    counts: bool,
}

/// What the consumer says next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Up {
    /// A message without a type.
    StartUp,
    Messages,
}

/// What the provider says next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Down {
    /// One byte: whether it will encrypt.
    Encryption,
    Messages,
}

impl Postgres {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            up: Up::StartUp,
            down: Down::Messages,
            questions: Questions::default(),
            counts: false,
        }
    }

    pub(super) fn midway(context: Context) -> Self {
        Self {
            up: Up::Messages,
            ..Self::new(context)
        }
    }

    /// The message that begins a connection, or asks for encryption.
    fn start_up(&mut self, bytes: &[u8], moment: Moment) -> Option<Step> {
        const LONGEST: u32 = 10_000;
        let Some(length) = first::<4>(bytes).map(u32::from_be_bytes) else {
            return Some(Step::More);
        };
        if !(8..=LONGEST).contains(&length) {
            return None;
        }
        let Some(message) = bytes.get(4..length as usize) else {
            return Some(Step::More);
        };
        match first::<4>(message).map(u32::from_be_bytes)? {
            // SSLRequest and GSSENCRequest.
            80_877_103 | 80_877_104 => self.down = Down::Encryption,
            version if version >> 16 == 3 => {
                self.up = Up::Messages;
                let (user, database) = identity(message.get(4..)?);
                let mut exchange = self.context.begin(Protocol::Postgres, moment);
                exchange.verb = "Connect".to_owned();
                exchange.subject = format!("{user}@{database}");
                exchange.request.bytes = u64::from(length);
                self.questions.ask(Kind::Connect, exchange)?;
            }
            // CancelRequest has no answer, and others are not known.
            _ => return None,
        }
        Some(Step::Take(length as usize))
    }

    /// A message of the consumer: a type, a length, and so much of its text as is looked at.
    fn message_up(&mut self, bytes: &[u8], moment: Moment) -> Option<Step> {
        let looked_at = |kind| match kind {
            b'Q' | b'P' => LONGEST_TEXT,
            b'B' | b'E' => 512,
            _ => 0,
        };
        let message = match Message::read(bytes, looked_at)? {
            Some(message) => message,
            None => return Some(Step::More),
        };
        let size = message.size();
        let tidy = |text: &[u8]| {
            let text = clip(text, LONGEST_TEXT);
            sql::tidy(&text, Dialect::Postgres, self.context.options)
        };
        match message.kind {
            b'Q' => {
                let text = message.text.strip_suffix(b"\0").unwrap_or(message.text);
                let mut exchange = self.context.begin(Protocol::Postgres, moment);
                exchange.verb = "Query".to_owned();
                exchange.subject = tidy(text);
                exchange.request.bytes = size;
                self.questions.ask(Kind::Query, exchange)?;
            }
            b'P' => {
                let (name, rest) = until_nul(message.text).unwrap_or((message.text, &[]));
                let statement = until_nul(rest).map_or(rest, |(statement, _)| statement);
                let statement = tidy(statement);
                let unit = self.unit(moment);
                unit.request.bytes += size;
                self.questions.parse(clip(name, 64), statement);
            }
            b'B' => {
                let (portal, rest) = until_nul(message.text).unwrap_or((message.text, &[]));
                let name = until_nul(rest).map_or(rest, |(name, _)| name);
                self.unit(moment).request.bytes += size;
                self.questions.bind(&clip(portal, 64), &clip(name, 64));
            }
            b'E' => {
                let portal = until_nul(message.text).map_or(message.text, |(portal, _)| portal);
                self.unit(moment).request.bytes += size;
                self.questions.execute(&clip(portal, 64))?;
            }
            b'D' | b'C' | b'H' => self.unit(moment).request.bytes += size,
            b'S' => self.questions.sync(size)?,
            // Passwords and the like: not looked at, not counted. And what COPY carries.
            b'p' | b'd' | b'c' | b'f' | b'X' | b'F' => {}
            _ => return None,
        }
        Some(message.step())
    }

    /// The request that is being put together.
    fn unit(&mut self, moment: Moment) -> &mut crate::Exchange {
        let context = self.context;
        self.questions
            .unit
            .get_or_insert_with(|| context.begin(Protocol::Postgres, moment))
    }

    fn message_down(&mut self, bytes: &[u8], moment: Moment, sink: &mut Sink<'_>) -> Option<Step> {
        let looked_at = |kind| match kind {
            b'C' => 128,
            b'E' => 2_048,
            b'Z' => 1,
            _ => 0,
        };
        let message = match Message::read(bytes, looked_at)? {
            Some(message) => message,
            None => return Some(Step::More),
        };
        let questions = &mut self.questions;
        questions.count(message.size() - message.unseen(), moment.first);
        match message.kind {
            b'D' => questions.row(),
            b'C' => {
                let tag = until_nul(message.text).map_or(message.text, |(tag, _)| tag);
                questions.complete(Status::Ok(clip(tag, 64)), moment.now, sink);
            }
            // An empty query, and a portal that has more.
            b'I' | b's' => questions.complete(Status::Ok(String::new()), moment.now, sink),
            b'E' => questions.fail(error(message.text), moment.now, sink),
            b'Z' => questions.ready(moment.now, sink),
            // COPY both ways is how replication speaks; it never ends.
            b'W' => return None,
            b'R' | b'S' | b'K' | b'T' | b'N' | b'1' | b'2' | b'3' | b'n' | b't' | b'G' | b'H' | b'd'
            | b'c' | b'A' | b'V' | b'v' => {}
            _ => return None,
        }
        self.counts = !matches!(message.kind, b'C' | b'E' | b'I' | b'Z' | b's');
        Some(message.step())
    }
}

/// A message: its type, its length without the type, and the beginning of its text.
struct Message<'a> {
    kind: u8,
    length: u32,
    text: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads one. `None`: it is none. `Some(None)`: more is needed.
    #[expect(clippy::option_option, reason = "no message and not yet one are two things")]
    fn read(bytes: &'a [u8], looked_at: impl Fn(u8) -> usize) -> Option<Option<Self>> {
        let Some([kind, a, b, c, d]) = first::<5>(bytes) else {
            return Some(None);
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        let content = usize::try_from(length.checked_sub(4)?).ok()?;
        // The server takes no more either (`PQ_LARGE_MESSAGE_LIMIT`).
        if content >= 1 << 30 {
            return None;
        }
        let end = 5 + content.min(looked_at(kind));
        Some(bytes.get(5..end).map(|text| Self { kind, length, text }))
    }

    /// All of it, in bytes.
    fn size(&self) -> u64 {
        u64::from(self.length) + 1
    }

    fn unseen(&self) -> u64 {
        self.size() - 5 - self.text.len() as u64
    }

    fn step(&self) -> Step {
        Step::Skip {
            take: 5 + self.text.len(),
            skip: self.unseen(),
        }
    }
}

/// The user and the database of a start-up message.
fn identity(mut parameters: &[u8]) -> (String, String) {
    let [mut user, mut database] = [String::new(), String::new()];
    while let Some((name, rest)) = until_nul(parameters) {
        let Some((value, rest)) = until_nul(rest) else {
            break;
        };
        match name {
            b"user" => user = clip(value, 64),
            b"database" => database = clip(value, 64),
            _ => {}
        }
        parameters = rest;
    }
    if database.is_empty() {
        database.clone_from(&user);
    }
    (user, database)
}

/// The SQLSTATE and the message of an error.
fn error(mut fields: &[u8]) -> Status {
    let [mut code, mut message] = [String::new(), String::new()];
    while let Some((field, rest)) = until_nul(fields) {
        match field.split_first() {
            Some((b'C', value)) => code = clip(value, 8),
            Some((b'M', value)) => message = clip(value, 256),
            _ => {}
        }
        fields = rest;
    }
    Status::Error { code, message }
}

impl Dissector for Postgres {
    fn protocol(&self) -> Protocol {
        Protocol::Postgres
    }

    fn step(&mut self, direction: Direction, bytes: &[u8], moment: Moment, sink: &mut Sink<'_>) -> Step {
        let step = match direction {
            Direction::Up if self.up == Up::StartUp => self.start_up(bytes, moment),
            Direction::Up => self.message_up(bytes, moment),
            Direction::Down if self.down == Down::Encryption => {
                self.down = Down::Messages;
                // `S` or `G`: what follows is encrypted. `N`: it is not.
                bytes.starts_with(b"N").then_some(Step::Take(1))
            }
            Direction::Down => self.message_down(bytes, moment, sink),
        };
        step.unwrap_or(Step::GiveUp)
    }

    fn passed(&mut self, direction: Direction, count: u64, _: u64, now: Timestamp, _: &mut Sink<'_>) {
        if direction == Direction::Down && self.counts {
            self.questions.count(count, now);
        }
    }

    fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        self.questions.abandon(now, sink);
    }
}
