//! HTTP/1.1 (RFC 9112): requests in order, responses in the same.

mod framing;

use std::collections::VecDeque;

use super::Sink;
use super::dissector::{Context, Dissector, Moment, Step};
use super::{fields, text::clip};
use crate::Timestamp;
use crate::direction::{Both, Direction};
use crate::exchange::{Exchange, Message, Protocol, Status};

use framing::{Body, Found, Half, Piece};

/// How many requests may wait for their answers. A client that pipelines more is not followed.
const MOST_PENDING: usize = 64;

#[derive(Debug)]
pub(super) struct Http1 {
    context: Context,
    halves: Both<Half>,
    /// Requests that have no whole answer yet.
    pending: VecDeque<Exchange>,
    /// The number of the first of them.
    first: u64,
    /// The number of the request that is being read.
    reading: u64,
    /// What the response that is being read says.
    response: Response,
}

/// What is known of a response before its head has ended.
#[derive(Debug, Default)]
struct Response {
    code: u16,
    upgraded: bool,
}

impl Http1 {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            halves: Both {
                up: Half::new(),
                down: Half::new(),
            },
            pending: VecDeque::new(),
            first: 0,
            reading: 0,
            response: Response::default(),
        }
    }

    /// The request that is being read, unless its answer came before its end.
    fn request(&mut self) -> Option<&mut Exchange> {
        let place = self.reading.checked_sub(self.first)?;
        self.pending.get_mut(usize::try_from(place).ok()?)
    }

    fn message(&mut self, direction: Direction) -> Option<&mut Message> {
        match direction {
            Direction::Up => self.request().map(|exchange| &mut exchange.request),
            Direction::Down => self.pending.front_mut().map(|exchange| &mut exchange.response),
        }
    }

    /// Counts bytes of a message.
    fn count(&mut self, direction: Direction, bytes: u64, at: Timestamp) {
        match direction {
            Direction::Up => {
                if let Some(exchange) = self.request() {
                    exchange.request.bytes = exchange.request.bytes.saturating_add(bytes);
                }
            }
            Direction::Down => {
                if let Some(exchange) = self.pending.front_mut() {
                    exchange.answer(at, bytes);
                }
            }
        }
    }

    /// A request line or a status line. `None`: it is neither.
    fn start_line(&mut self, direction: Direction, line: &[u8], moment: Moment) -> Option<()> {
        let mut words = line.splitn(3, |&byte| byte == b' ');
        match direction {
            Direction::Up => {
                let (method, target, version) = (words.next()?, words.next()?, words.next()?);
                if !version.starts_with(b"HTTP/1.") || self.pending.len() >= MOST_PENDING {
                    return None;
                }
                let mut exchange = self.context.begin(Protocol::Http1, moment);
                exchange.verb = clip(method, 32);
                exchange.subject = fields::target(target, self.context.options);
                self.reading = self.first + self.pending.len() as u64;
                self.pending.push_back(exchange);
            }
            Direction::Down => {
                let (version, code) = (words.next()?, words.next()?);
                if !version.starts_with(b"HTTP/1.") || self.pending.is_empty() {
                    return None;
                }
                let code = std::str::from_utf8(code).ok()?.parse().ok()?;
                self.response = Response {
                    code,
                    upgraded: code == 101,
                };
            }
        }
        Some(())
    }

    /// What follows a response's head (RFC 9112, 6.3). `None`: no HTTP any more.
    fn body_of_response(&mut self) -> Option<Body> {
        let exchange = self.pending.front_mut()?;
        let code = self.response.code;
        if (100..200).contains(&code) && !self.response.upgraded {
            // Not the answer yet.
            exchange.response.fields.clear();
            return Some(Body::Interim);
        }
        exchange.status = Some(Status::Code(code));
        let tunnel = exchange.verb == "CONNECT" && (200..300).contains(&code);
        let bodiless = exchange.verb == "HEAD" || code == 204 || code == 304;
        match (self.response.upgraded || tunnel, bodiless) {
            (true, _) => None,
            (false, true) => Some(Body::None),
            (false, false) => self.halves.down.framing(Body::UntilClose),
        }
    }

    /// A message is whole.
    fn whole(&mut self, direction: Direction, now: Timestamp, sink: &mut Sink<'_>) {
        self.halves.of(direction).restart();
        if direction == Direction::Down
            && let Some(exchange) = self.pending.pop_front()
        {
            self.first += 1;
            sink(exchange.complete(now));
        }
    }

    /// A head has ended.
    fn head(&mut self, direction: Direction, now: Timestamp, sink: &mut Sink<'_>) -> Option<()> {
        let body = match direction {
            Direction::Up => self.halves.up.framing(Body::None)?,
            Direction::Down => match self.body_of_response() {
                Some(Body::Interim) => {
                    self.halves.down.restart();
                    return Some(());
                }
                Some(body) => body,
                None => {
                    // A tunnel, or another protocol from here on.
                    self.whole(direction, now, sink);
                    return None;
                }
            },
        };
        if self.halves.of(direction).begin_body(body) {
            self.whole(direction, now, sink);
        }
        Some(())
    }
}

impl Dissector for Http1 {
    fn protocol(&self) -> Protocol {
        Protocol::Http1
    }

    fn step(&mut self, direction: Direction, bytes: &[u8], moment: Moment, sink: &mut Sink<'_>) -> Step {
        let limit = self.context.options.bodies.limit();
        let kept = self
            .message(direction)
            .and_then(|message| message.body.as_ref())
            .map_or(0, Vec::len);
        let Some(found) = self.halves.of(direction).next(bytes, limit.saturating_sub(kept)) else {
            return Step::GiveUp;
        };
        let (found, take) = match found {
            Found::More => return Step::More,
            Found::Skip(skip) => return Step::Skip { take: 0, skip },
            Found::Piece(piece, take) => (piece, take),
        };
        let understood = match found {
            Piece::Nothing => Some(()),
            Piece::Start(line) => self.start_line(direction, line, moment),
            Piece::Field(name, value) => {
                let options = self.context.options;
                if let Some(message) = self.message(direction) {
                    fields::keep(message, name, value, options);
                }
                Some(())
            }
            Piece::Body(part) => {
                if let Some(message) = self.message(direction) {
                    message.body.get_or_insert_default().extend_from_slice(part);
                }
                Some(())
            }
            Piece::HeadEnd | Piece::End => Some(()),
        };
        let ends_head = matches!(found, Piece::HeadEnd);
        let of_body = matches!(found, Piece::Body(_));
        let ends = matches!(found, Piece::End) || of_body && self.halves.of(direction).body_is_over();
        self.count(direction, take as u64, moment.first);
        let understood = understood.and_then(|()| match ends_head {
            true => self.head(direction, moment.now, sink),
            false => Some(()),
        });
        if ends {
            self.whole(direction, moment.now, sink);
        }
        match understood {
            Some(()) => Step::Take(take),
            None => Step::GiveUp,
        }
    }

    fn passed(&mut self, direction: Direction, count: u64, left: u64, now: Timestamp, sink: &mut Sink<'_>) {
        self.count(direction, count, now);
        if self.halves.of(direction).skipped(count) && left == 0 {
            self.whole(direction, now, sink);
        }
    }

    fn ended(&mut self, direction: Direction, now: Timestamp, sink: &mut Sink<'_>) {
        if direction == Direction::Down && self.halves.down.ends_with_connection() {
            self.whole(direction, now, sink);
        }
    }

    fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        for exchange in self.pending.drain(..) {
            sink(exchange.abandon(now));
        }
    }
}
