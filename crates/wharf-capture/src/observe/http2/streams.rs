//! Streams: each is a request and its answer.

use std::collections::BTreeMap;

use super::super::dissector::{Context, Moment};
use super::super::text::clip;
use super::super::{Sink, fields};
use super::frame::{Flags, Header};
use crate::Timestamp;
use crate::direction::{Both, Direction};
use crate::exchange::{Exchange, Protocol, Status};

/// How many streams are followed at once. Beyond that they pass untold.
const MOST: usize = 256;

#[derive(Debug)]
pub(super) struct Streams {
    context: Context,
    open: BTreeMap<u32, Stream>,
    /// The newest stream that the client has begun: what comes for an older one is not a request.
    newest: u32,
}

#[derive(Debug)]
struct Stream {
    exchange: Exchange,
    closed: Both<bool>,
}

impl Stream {
    fn message(&mut self, direction: Direction) -> &mut crate::Message {
        match direction {
            Direction::Up => &mut self.exchange.request,
            Direction::Down => &mut self.exchange.response,
        }
    }

    fn count(&mut self, direction: Direction, bytes: u64, at: Timestamp) {
        match direction {
            Direction::Up => self.exchange.request.bytes += bytes,
            Direction::Down => self.exchange.answer(at, bytes),
        }
    }
}

impl Streams {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            open: BTreeMap::new(),
            newest: 0,
        }
    }

    /// The place for the fields of a block of `bytes` bytes.
    pub(super) fn fields(
        &mut self,
        direction: Direction,
        number: u32,
        bytes: u64,
        moment: Moment,
    ) -> Fields<'_> {
        if direction == Direction::Up && number > self.newest {
            self.newest = number;
            if self.open.len() < MOST {
                let exchange = self.context.begin(Protocol::Http2, moment);
                let closed = Both::default();
                self.open.insert(number, Stream { exchange, closed });
            }
        }
        let context = self.context;
        let mut stream = self.open.get_mut(&number);
        if let Some(stream) = &mut stream {
            stream.count(direction, bytes, moment.first);
        }
        Fields {
            context,
            direction,
            stream,
            interim: false,
        }
    }

    pub(super) fn count(&mut self, direction: Direction, number: u32, bytes: u64, at: Timestamp) {
        if let Some(stream) = self.open.get_mut(&number) {
            stream.count(direction, bytes, at);
        }
    }

    /// How much more of a stream's body is to be kept.
    pub(super) fn wanted(&mut self, direction: Direction, number: u32) -> usize {
        let limit = self.context.options.bodies.limit();
        let kept = |stream: &mut Stream| stream.message(direction).body.as_ref().map_or(0, Vec::len);
        self.open
            .get_mut(&number)
            .map_or(0, |stream| limit.saturating_sub(kept(stream)))
    }

    /// Keeps a piece of a body; its padding, which is rare, with it.
    pub(super) fn body(&mut self, direction: Direction, header: Header, payload: &[u8]) {
        let length = usize::from(header.flags.has(Flags::PADDED));
        let content = payload.get(length..).unwrap_or_default();
        if let Some(stream) = self.open.get_mut(&header.stream)
            && !content.is_empty()
        {
            stream
                .message(direction)
                .body
                .get_or_insert_default()
                .extend_from_slice(content);
        }
    }

    /// One side has said all it has to say.
    pub(super) fn half_closed(
        &mut self,
        direction: Direction,
        number: u32,
        now: Timestamp,
        sink: &mut Sink<'_>,
    ) {
        let Some(stream) = self.open.get_mut(&number) else {
            return;
        };
        *stream.closed.of(direction) = true;
        // An answer may be whole before the question is; what is left of that is not waited for.
        if stream.closed.down
            && let Some(stream) = self.open.remove(&number)
        {
            sink(stream.exchange.complete(now));
        }
    }

    /// A stream was reset, by either side.
    pub(super) fn reset(&mut self, number: u32, code: u32, now: Timestamp, sink: &mut Sink<'_>) {
        if let Some(Stream { mut exchange, .. }) = self.open.remove(&number) {
            exchange.status.get_or_insert_with(|| Status::Error {
                code: error_name(code).to_owned(),
                message: "RST_STREAM".to_owned(),
            });
            sink(exchange.abandon(now));
        }
    }

    pub(super) fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        while let Some((_, stream)) = self.open.pop_first() {
            sink(stream.exchange.abandon(now));
        }
    }
}

/// Takes the fields of one block.
pub(super) struct Fields<'a> {
    context: Context,
    direction: Direction,
    stream: Option<&'a mut Stream>,
    interim: bool,
}

impl Fields<'_> {
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        let options = self.context.options;
        let exchange = &mut stream.exchange;
        match (self.direction, name) {
            (Direction::Up, b":method") => exchange.verb = clip(value, 32),
            (Direction::Up, b":path") => exchange.subject = fields::target(value, options),
            (Direction::Down, b":status") => {
                let code = std::str::from_utf8(value)
                    .ok()
                    .and_then(|code| code.parse().ok())
                    .unwrap_or(0);
                self.interim = (100..200).contains(&code);
                exchange.status = Some(Status::Code(code));
            }
            (_, b":scheme") => {}
            _ => fields::keep(stream.message(self.direction), name, value, options),
        }
    }

    /// All have come.
    pub(super) fn end(self) {
        if let Some(stream) = self.stream
            && self.interim
        {
            stream.exchange.status = None;
            stream.exchange.response.fields.clear();
        }
    }
}

/// Names of error codes (7).
fn error_name(code: u32) -> &'static str {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    usize::try_from(code)
        .ok()
        .and_then(|code| NAMES.get(code))
        .copied()
        .unwrap_or("unknown")
}
