//! Redis: RESP2 and RESP3. Commands are arrays of strings, and are answered in order. Commands in plain
//! lines, as a person types them into a terminal, are not followed.

mod values;

use std::collections::VecDeque;

use super::Sink;
use super::dissector::{Context, Dissector, Moment, Step};
use super::text::{clip, line};
use crate::Timestamp;
use crate::direction::Direction;
use crate::exchange::{Exchange, Protocol, Status};
use crate::redact::command;

use values::{Part, Values};

/// How many commands that wait for their answers are remembered. Beyond that they are counted.
const MOST_PENDING: usize = 512;

/// How many arguments of a command are looked at, and how much of each.
const MOST_ARGUMENTS: usize = 16;
const LONGEST_ARGUMENT: usize = 64;

#[derive(Debug)]
pub(super) struct Redis {
    context: Context,
    command: Option<Command>,
    /// The strings of the command that are still to come.
    strings: u64,
    pending: VecDeque<Exchange>,
    /// Commands behind those, which are only counted.
    uncounted: u64,
    answer: Values,
    /// Whether the answer under way is one that nobody asked for: a push of RESP3.
    unasked: bool,
}

/// A command that is being read.
#[derive(Debug)]
struct Command {
    exchange: Exchange,
    arguments: Vec<String>,
    more: bool,
}

impl Redis {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            command: None,
            strings: 0,
            pending: VecDeque::new(),
            uncounted: 0,
            answer: Values::default(),
            unasked: false,
        }
    }

    /// A part of a command. `None`: it is none.
    fn request(&mut self, bytes: &[u8], moment: Moment) -> Option<Step> {
        let Some((header, taken)) = line(bytes) else {
            return Some(if bytes.len() < 32 {
                Step::More
            } else {
                Step::GiveUp
            });
        };
        let (kind, number) = header.split_first()?;
        let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
        match (kind, &mut self.command) {
            (b'*', None) => {
                let mut exchange = self.context.begin(Protocol::Redis, moment);
                exchange.request.bytes = taken as u64;
                self.strings = number;
                // An empty array is no command, and has no answer.
                self.command = (number > 0).then_some(Command {
                    exchange,
                    arguments: Vec::new(),
                    more: false,
                });
                Some(Step::Take(taken))
            }
            (b'$', Some(command)) => {
                let wanted = usize::try_from(number)
                    .unwrap_or(usize::MAX)
                    .min(LONGEST_ARGUMENT + 1);
                let whole = number.checked_add(2)?;
                let text = match command.arguments.len() <= MOST_ARGUMENTS {
                    true => match bytes.get(taken..taken + wanted) {
                        Some(text) => text,
                        None => return Some(Step::More),
                    },
                    false => &[],
                };
                if command.arguments.len() <= MOST_ARGUMENTS {
                    command.arguments.push(clip(text, LONGEST_ARGUMENT));
                } else {
                    command.more = true;
                }
                let take = taken + text.len();
                command.exchange.request.bytes += take as u64;
                self.strings = self.strings.saturating_sub(1);
                Some(Step::Skip {
                    take,
                    skip: whole - text.len() as u64,
                })
            }
            _ => None,
        }
    }

    /// A command is whole.
    fn asked(&mut self) {
        let Some(command) = self.command.take() else {
            return;
        };
        if self.uncounted > 0 || self.pending.len() >= MOST_PENDING {
            self.uncounted += 1;
            return;
        }
        let mut exchange = command.exchange;
        let mut arguments = command.arguments.into_iter();
        exchange.verb = arguments.next().unwrap_or_default().to_ascii_uppercase();
        let rest: Vec<String> = arguments.collect();
        exchange.subject = command::arguments(&exchange.verb, &rest, command.more, self.context.options);
        self.pending.push_back(exchange);
    }

    /// Counts bytes of an answer.
    fn count(&mut self, bytes: u64, at: Timestamp) {
        if !self.unasked
            && let Some(exchange) = self.pending.front_mut()
        {
            exchange.answer(at, bytes);
        }
    }

    /// An answer is whole. `None`: what follows is not answers to commands.
    fn answered(&mut self, now: Timestamp, sink: &mut Sink<'_>) -> Option<()> {
        if std::mem::take(&mut self.unasked) {
            return Some(());
        }
        let Some(exchange) = self.pending.pop_front() else {
            // Without a question there is no answer.
            self.uncounted = self.uncounted.checked_sub(1)?;
            return Some(());
        };
        let follows = follows_one_another(&exchange);
        sink(exchange.complete(now));
        follows.then_some(())
    }

    fn first_line(&mut self, kind: u8, text: &[u8], at: Timestamp) {
        // A subscription's answer comes as a push in RESP3.
        let subscribes = self
            .pending
            .front()
            .is_some_and(|exchange| !follows_one_another(exchange));
        self.unasked = kind == b'>' && !subscribes;
        if self.unasked {
            return;
        }
        if let Some(exchange) = self.pending.front_mut() {
            exchange.answer(at, 0);
            exchange.status = Some(match kind {
                b'-' | b'!' => error(text),
                // `+OK`, `:3`: short, and it tells how it went.
                b'+' | b':' => Status::Ok(clip(text, LONGEST_ARGUMENT)),
                // Nothing there, in the ways of RESP2 and RESP3.
                b'$' | b'*' if text == b"-1" => Status::Ok("nil".to_owned()),
                b'_' => Status::Ok("nil".to_owned()),
                _ => Status::Ok(String::new()),
            });
        }
    }
}

/// `WRONGTYPE Operation against …`.
fn error(text: &[u8]) -> Status {
    let text = clip(text, 256);
    let (code, message) = text.split_once(' ').unwrap_or((&text, ""));
    Status::Error {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

/// Whether a command has one answer, as nearly all have. After the others the server says what it
/// likes, when it likes.
fn follows_one_another(exchange: &Exchange) -> bool {
    const STREAMING: [&str; 7] = [
        "MONITOR",
        "PSUBSCRIBE",
        "PSYNC",
        "PUNSUBSCRIBE",
        "SSUBSCRIBE",
        "SUBSCRIBE",
        "SYNC",
    ];
    let verb = exchange.verb.as_str();
    // CLIENT REPLY OFF has no answer at all.
    let silent = verb == "CLIENT" && exchange.subject.to_ascii_uppercase().starts_with("REPLY");
    !(silent || STREAMING.contains(&verb))
}

impl Dissector for Redis {
    fn protocol(&self) -> Protocol {
        Protocol::Redis
    }

    fn step(&mut self, direction: Direction, bytes: &[u8], moment: Moment, sink: &mut Sink<'_>) -> Step {
        if direction == Direction::Up {
            return self.request(bytes, moment).unwrap_or(Step::GiveUp);
        }
        let begins = self.answer.is_at_start();
        let Some((part, take)) = self.answer.next(bytes) else {
            return Step::GiveUp;
        };
        if begins && let Part::More = part {
            return Step::More;
        }
        if begins && let Some((header, _)) = line(bytes) {
            let (kind, text) = header.split_first().unwrap_or((&b'_', &[]));
            self.first_line(*kind, text, moment.first);
        }
        self.count(take as u64, moment.first);
        match part {
            Part::More => Step::More,
            Part::Piece => Step::Take(take),
            Part::Skip(skip) => Step::Skip { take, skip },
            Part::Whole => match self.answered(moment.now, sink) {
                Some(()) => Step::Take(take),
                None => Step::GiveUp,
            },
        }
    }

    fn passed(&mut self, direction: Direction, count: u64, left: u64, now: Timestamp, sink: &mut Sink<'_>) {
        match direction {
            Direction::Up => {
                if let Some(command) = &mut self.command {
                    command.exchange.request.bytes += count;
                }
                if left == 0 && self.strings == 0 {
                    self.asked();
                }
            }
            Direction::Down => {
                self.count(count, now);
                if left == 0 && self.answer.is_at_start() && self.answered(now, sink).is_none() {
                    // Nothing of what follows will find a question.
                    self.pending.clear();
                    self.answer.spoil();
                }
            }
        }
    }

    fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        for exchange in self.pending.drain(..) {
            sink(exchange.abandon(now));
        }
    }
}
