//! HTTP/2 with prior knowledge (RFC 9113), which is also how gRPC speaks without TLS.
//!
//! Each stream is an exchange. Header blocks have all to be decoded, since each builds on those before
//! it; of all other frames only lengths and flags are looked at.

mod frame;
mod streams;

use super::Sink;
use super::dissector::{Context, Dissector, Moment, Step};
use super::hpack::Decoder;
use crate::Timestamp;
use crate::direction::{Both, Direction};
use crate::exchange::Protocol;

use frame::{Flags, Header, Kind, fragment};
use streams::Streams;

/// What a client begins with.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a header block may be, over all of its frames.
const LONGEST_BLOCK: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Http2 {
    /// Whether the client's preface is still to come.
    preface: bool,
    lanes: Both<Lane>,
    streams: Streams,
}

/// One direction.
#[derive(Debug)]
struct Lane {
    decoder: Decoder,
    /// A header block that goes on in the next frame.
    block: Option<Block>,
    /// What passes unseen: of which stream, and whether that ends with it.
    data: Option<(u32, bool)>,
}

#[derive(Debug)]
struct Block {
    stream: u32,
    ends: bool,
    /// A promise of a push: decoded, and not told of.
    promised: bool,
    bytes: Vec<u8>,
    frames: u64,
    started: Timestamp,
}

/// How much of one DATA frame is kept at most. Frames have 16 KiB where nobody asks for more.
const LONGEST_PIECE: usize = 32 * 1024;

impl Http2 {
    pub(super) fn new(context: Context) -> Self {
        let lane = || Lane {
            decoder: Decoder::new(),
            block: None,
            data: None,
        };
        Self {
            preface: true,
            lanes: Both {
                up: lane(),
                down: lane(),
            },
            streams: Streams::new(context),
        }
    }

    fn frame(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        moment: Moment,
        sink: &mut Sink<'_>,
    ) -> Option<Step> {
        let Some(header) = Header::read(bytes) else {
            return Some(Step::More);
        };
        let lane = self.lanes.of(direction);
        // Nothing may come between the frames of a block (4.3).
        if lane.block.is_some() && header.kind != Kind::Continuation {
            return None;
        }
        if header.kind == Kind::Data {
            return Some(self.data(direction, header, bytes, moment, sink));
        }
        let wanted = header.kind.is_looked_at();
        if !wanted {
            return Some(Step::Skip {
                take: Header::SIZE,
                skip: u64::from(header.length),
            });
        }
        let length = header.length as usize;
        if length > LONGEST_BLOCK - Header::SIZE {
            return None;
        }
        let Some(payload) = bytes.get(Header::SIZE..Header::SIZE + length) else {
            return Some(Step::More);
        };
        let take = Header::SIZE + length;
        match header.kind {
            Kind::Headers | Kind::Promise => {
                lane.block = Some(Block {
                    stream: header.stream,
                    ends: header.flags.has(Flags::END_STREAM) && header.kind == Kind::Headers,
                    promised: header.kind == Kind::Promise,
                    bytes: fragment(header, payload)?.to_vec(),
                    frames: take as u64,
                    started: moment.first,
                });
            }
            Kind::Continuation => {
                let block = lane
                    .block
                    .as_mut()
                    .filter(|block| block.stream == header.stream)?;
                if block.bytes.len() + length > LONGEST_BLOCK {
                    return None;
                }
                block.bytes.extend_from_slice(payload);
                block.frames += take as u64;
            }
            Kind::Reset => {
                let code = payload
                    .first_chunk::<4>()
                    .map_or(0, |code| u32::from_be_bytes(*code));
                self.streams.reset(header.stream, code, moment.now, sink);
                return Some(Step::Take(take));
            }
            Kind::Settings => {
                if !header.flags.has(Flags::ACK)
                    && let Some(size) = frame::table_size(payload)
                {
                    // It binds those who send to whoever says it.
                    self.lanes.of(direction.reverse()).decoder.allow(size);
                }
                return Some(Step::Take(take));
            }
            Kind::Data | Kind::Other => {}
        }
        if header.flags.has(Flags::END_HEADERS) {
            self.block(direction, moment, sink)?;
        }
        Some(Step::Take(take))
    }

    /// A header block is whole.
    fn block(&mut self, direction: Direction, moment: Moment, sink: &mut Sink<'_>) -> Option<()> {
        let Lane { decoder, block, .. } = self.lanes.of(direction);
        let block = block.take()?;
        if block.promised {
            return decoder.decode(&block.bytes, |_, _| {});
        }
        let since = Moment {
            first: block.started,
            now: moment.now,
        };
        let mut fields = self.streams.fields(direction, block.stream, block.frames, since);
        decoder.decode(&block.bytes, |name, value| fields.field(name, value))?;
        fields.end();
        if block.ends {
            self.streams
                .half_closed(direction, block.stream, moment.now, sink);
        }
        Some(())
    }

    fn data(
        &mut self,
        direction: Direction,
        header: Header,
        bytes: &[u8],
        moment: Moment,
        sink: &mut Sink<'_>,
    ) -> Step {
        let wanted = self.streams.wanted(direction, header.stream);
        let wanted = wanted.min(header.length as usize).min(LONGEST_PIECE);
        let Some(payload) = bytes.get(Header::SIZE..Header::SIZE + wanted) else {
            return Step::More;
        };
        let take = Header::SIZE + wanted;
        let skip = u64::from(header.length) - wanted as u64;
        self.streams
            .count(direction, header.stream, take as u64, moment.first);
        self.streams.body(direction, header, payload);
        let ends = header.flags.has(Flags::END_STREAM);
        if skip > 0 {
            self.lanes.of(direction).data = Some((header.stream, ends));
            return Step::Skip { take, skip };
        }
        if ends {
            self.streams
                .half_closed(direction, header.stream, moment.now, sink);
        }
        Step::Take(take)
    }
}

impl Dissector for Http2 {
    fn protocol(&self) -> Protocol {
        Protocol::Http2
    }

    fn step(&mut self, direction: Direction, bytes: &[u8], moment: Moment, sink: &mut Sink<'_>) -> Step {
        if direction == Direction::Up && self.preface {
            if bytes.starts_with(PREFACE) {
                self.preface = false;
                return Step::Take(PREFACE.len());
            }
            return if PREFACE.starts_with(bytes) {
                Step::More
            } else {
                Step::GiveUp
            };
        }
        self.lanes.of(direction).data = None;
        self.frame(direction, bytes, moment, sink).unwrap_or(Step::GiveUp)
    }

    fn passed(&mut self, direction: Direction, count: u64, left: u64, now: Timestamp, sink: &mut Sink<'_>) {
        let Some((stream, ends)) = self.lanes.of(direction).data else {
            return;
        };
        self.streams.count(direction, stream, count, now);
        if left == 0 && ends {
            self.streams.half_closed(direction, stream, now, sink);
        }
    }

    fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        self.streams.abandon(now, sink);
    }
}
