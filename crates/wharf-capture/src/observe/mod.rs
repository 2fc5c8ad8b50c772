//! Observers: what two programs say to each other, from the bytes that pass.
//!
//! An [`Observer`] is told of the bytes of one connection in the order in which they passed, in
//! pieces of any size, and hands on an [`Exchange`] for each request that was answered. Where the
//! pieces are cut makes no difference.
//!
//! It holds at most [`MOST_HELD`] bytes a direction, and a bounded number of requests under way. What
//! it does not need to see it says ([`Observer::skip`]), so that a carrier may move those bytes
//! without looking. Where it meets what it does not understand it gives up: a program may say what it
//! likes, and a guess would be worse than silence.

mod detect;
mod dissector;
mod fields;
mod hpack;
mod http1;
mod http2;
mod mysql;
mod options;
mod postgres;
mod redis;
mod text;
mod tls;

pub use options::{Bodies, Literals, Options, Secrets};

use detect::Verdict;
use dissector::{Context, Dissector, Moment, Step};

use crate::Timestamp;
use crate::direction::{Both, Direction};
use crate::exchange::{Exchange, Protocol};

/// The most that an observer holds of one direction: what has come of a message that is not whole.
pub const MOST_HELD: usize = 64 * 1024;

/// How a direction of a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// In good order.
    Finished,
    /// By a reset, which ends both directions.
    Reset,
}

/// What is seen of one connection.
#[derive(Debug)]
pub struct Observer {
    context: Context,
    state: State,
    lanes: Both<Lane>,
}

#[derive(Debug)]
enum State {
    /// The protocol is not known yet.
    Detecting(Beginning),
    Dissecting(Box<dyn Dissector>),
    Done,
}

/// Whether a connection is seen from its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Seen,
    /// What comes down before the consumer says something belongs to a question that was not seen.
    Unseen,
}

/// What is known of one direction.
#[derive(Debug, Default)]
struct Lane {
    /// What has come of a message that is not whole.
    held: Vec<u8>,
    /// When the first of those came.
    since: Timestamp,
    /// How many bytes need not be seen.
    skip: u64,
    finished: bool,
}

/// Takes exchanges as they end.
pub type Sink<'a> = dyn FnMut(Exchange) + 'a;

impl Observer {
    /// Of a connection that begins. `connection` is the number that its exchanges will bear.
    #[must_use]
    pub fn new(connection: u64, options: Options) -> Self {
        Self::begin(connection, options, Beginning::Seen)
    }

    /// Of a connection that has been there for a while. HTTP/1.1, Redis and PostgreSQL are known by any
    /// request; HTTP/2 and MySQL only by how they begin.
    #[must_use]
    pub fn midway(connection: u64, options: Options) -> Self {
        Self::begin(connection, options, Beginning::Unseen)
    }

    fn begin(connection: u64, options: Options, beginning: Beginning) -> Self {
        Self {
            context: Context { connection, options },
            state: State::Detecting(beginning),
            lanes: Both::default(),
        }
    }

    /// The next bytes of a direction.
    pub fn saw(&mut self, direction: Direction, now: Timestamp, bytes: &[u8], sink: &mut Sink<'_>) {
        if self.is_done() || bytes.is_empty() {
            return;
        }
        if self.state.is_unseen() && direction == Direction::Down {
            return;
        }
        let lane = self.lanes.of(direction);
        if lane.held.is_empty() {
            return self.walk(direction, bytes, Moment { first: now, now }, sink);
        }
        let mut held = std::mem::take(&mut lane.held);
        let first = lane.since;
        held.extend_from_slice(bytes);
        self.walk(direction, &held, Moment { first, now }, sink);
    }

    /// So many bytes of a direction have passed unseen: at most what [`skip`](Self::skip) said.
    pub fn passed(&mut self, direction: Direction, now: Timestamp, count: u64, sink: &mut Sink<'_>) {
        let State::Dissecting(dissector) = &mut self.state else {
            return;
        };
        let lane = self.lanes.of(direction);
        if count == 0 {
            return;
        }
        if count > lane.skip {
            // Its place in the stream is lost.
            return self.finish(now, sink);
        }
        lane.skip -= count;
        dissector.passed(direction, count, lane.skip, now, sink);
    }

    /// A direction has ended.
    pub fn ended(&mut self, direction: Direction, now: Timestamp, end: End, sink: &mut Sink<'_>) {
        if let State::Dissecting(dissector) = &mut self.state {
            dissector.ended(direction, now, sink);
        }
        self.lanes.of(direction).finished = true;
        if end == End::Reset || (self.lanes.up.finished && self.lanes.down.finished) {
            self.finish(now, sink);
        }
    }

    /// The connection is gone, or nobody wants to know any more: what was under way is handed on as
    /// far as it came.
    pub fn finish(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        if let State::Dissecting(dissector) = &mut self.state {
            dissector.abandon(now, sink);
        }
        self.state = State::Done;
        self.lanes = Both::default();
    }

    /// How many of the next bytes of a direction need not be seen. That holds whatever the other
    /// direction does.
    #[must_use]
    pub fn skip(&self, direction: Direction) -> u64 {
        match &self.state {
            State::Done => u64::MAX,
            State::Detecting(_) => 0,
            State::Dissecting(_) => self.lanes.at(direction).skip,
        }
    }

    /// Whether it has given up, or seen all it can: it need not be told anything more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// What the two speak, as far as it is known.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        match &self.state {
            State::Dissecting(dissector) => Some(dissector.protocol()),
            State::Detecting(_) | State::Done => None,
        }
    }

    /// Bytes that it holds now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lanes.up.held.len() + self.lanes.down.held.len()
    }

    /// Goes through bytes, message by message.
    fn walk(&mut self, direction: Direction, mut bytes: &[u8], mut moment: Moment, sink: &mut Sink<'_>) {
        loop {
            let lane = self.lanes.of(direction);
            if lane.skip > 0 {
                let count = usize::try_from(lane.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
                bytes = bytes.get(count..).unwrap_or_default();
                self.passed(direction, moment.now, count as u64, sink);
                moment.first = moment.now;
            }
            if bytes.is_empty() {
                return;
            }
            let step = match &mut self.state {
                State::Done => return,
                State::Detecting(beginning) => {
                    match detect::detect(direction, bytes, *beginning == Beginning::Seen, self.context) {
                        Verdict::More => Step::More,
                        Verdict::Unknown => Step::GiveUp,
                        Verdict::Known(dissector) => {
                            self.state = State::Dissecting(dissector);
                            continue;
                        }
                    }
                }
                State::Dissecting(dissector) => dissector.step(direction, bytes, moment, sink),
            };
            let (take, skip) = match step {
                Step::Take(take) => (take, 0),
                Step::Skip { take, skip } => (take, skip),
                Step::More if bytes.len() <= MOST_HELD => {
                    let lane = self.lanes.of(direction);
                    lane.held = bytes.to_vec();
                    lane.since = moment.first;
                    return;
                }
                Step::More | Step::GiveUp => return self.finish(moment.now, sink),
            };
            if take == 0 && skip == 0 {
                // It would never end.
                return self.finish(moment.now, sink);
            }
            bytes = bytes.get(take..).unwrap_or_default();
            self.lanes.of(direction).skip = skip;
            moment.first = moment.now;
        }
    }
}

impl State {
    fn is_unseen(&self) -> bool {
        matches!(self, Self::Detecting(Beginning::Unseen))
    }
}
