//! MySQL and MariaDB, protocol 10 ("Client/Server Protocol" in MySQL's source documentation and in
//! MariaDB's knowledge base).
//!
//! One command at a time: a packet numbered 0 asks, and what follows it answers.

mod answer;
mod greeting;
mod packet;

use std::collections::VecDeque;

use super::Sink;
use super::dissector::{Context, Dissector, Moment, Step};
use super::text::{clip, first};
use crate::Timestamp;
use crate::direction::Direction;
use crate::exchange::{Exchange, Protocol, Status};
use crate::redact::sql::{self, Dialect};

use answer::{Answer, Progress, Shape};
use greeting::Capabilities;
use packet::{Header, Packet};

/// How much of a statement is looked at.
const LONGEST_TEXT: usize = sql::LONGEST * 4;

/// How many prepared statements are remembered; the oldest are forgotten.
const MOST_STATEMENTS: usize = 128;

#[derive(Debug)]
pub(super) struct Mysql {
    context: Context,
    phase: Phase,
    capabilities: Capabilities,
    current: Option<Exchange>,
    answer: Answer,
    /// The statement that is being prepared.
    preparing: Option<String>,
    statements: VecDeque<(u32, String)>,
    /// Whether the next packet of a direction goes on with the one before it: `[up, down]`.
    continued: [bool; 2],
    /// Whether what passes unseen still belongs to the answer under way.
    counts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The server has not said hello.
    Greeting,
    /// The client has not said who it is.
    Login,
    /// Passwords and the like. Not looked at, but for how it ends.
    Authentication,
    Commands,
}

impl Mysql {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            phase: Phase::Greeting,
            capabilities: Capabilities::default(),
            current: None,
            answer: Answer::default(),
            preparing: None,
            statements: VecDeque::new(),
            continued: [false; 2],
            counts: false,
        }
    }

    fn up(&mut self, packet: &Packet<'_>, moment: Moment) -> Option<()> {
        match self.phase {
            Phase::Greeting => None,
            Phase::Login => {
                let login = greeting::login(packet.content)?;
                self.capabilities = login.capabilities;
                // Encrypted from here on, or compressed later.
                if login.capabilities.hides_what_follows() {
                    return None;
                }
                let mut exchange = self.context.begin(Protocol::Mysql, moment);
                exchange.verb = "Connect".to_owned();
                exchange.subject = format!("{}@{}", login.user, login.database);
                exchange.request.bytes = packet.header.size();
                self.current = Some(exchange);
                self.phase = Phase::Authentication;
                Some(())
            }
            Phase::Authentication => {
                self.count_request(packet.header.size());
                Some(())
            }
            // Not a command: a file that LOAD DATA asked for, or the rest of a long one.
            Phase::Commands if packet.header.number != 0 => {
                self.count_request(packet.header.size());
                Some(())
            }
            Phase::Commands => self.command(packet, moment),
        }
    }

    fn count_request(&mut self, bytes: u64) {
        if let Some(exchange) = &mut self.current {
            exchange.request.bytes += bytes;
        }
    }

    fn command(&mut self, packet: &Packet<'_>, moment: Moment) -> Option<()> {
        let (&code, content) = packet.content.split_first()?;
        let statement = |text: &[u8]| {
            let text = clip(text, LONGEST_TEXT);
            sql::tidy(&text, Dialect::Mysql, self.context.options)
        };
        let (verb, subject, shape) = match code {
            0x03 => (
                "Query",
                statement(self.capabilities.query_text(content)?),
                Shape::Results,
            ),
            0x16 => {
                let text = statement(content);
                self.preparing = Some(text.clone());
                ("Prepare", text, Shape::Prepared)
            }
            0x17 => {
                let number = first::<4>(content).map(u32::from_le_bytes)?;
                ("Execute", self.prepared(number), Shape::Results)
            }
            0x1C => {
                let number = first::<4>(content).map(u32::from_le_bytes)?;
                ("Fetch", self.prepared(number), Shape::Rows)
            }
            0x02 => ("Use", clip(content, 64), Shape::Plain),
            0x0E => ("Ping", String::new(), Shape::Plain),
            0x1A => ("Reset statement", String::new(), Shape::Plain),
            0x1F => ("Reset connection", String::new(), Shape::Plain),
            0x1B => ("Set option", String::new(), Shape::Plain),
            0x09 => ("Statistics", String::new(), Shape::Plain),
            // They have no answer.
            0x01 | 0x18 => return Some(()),
            0x19 => {
                let number = first::<4>(content).map(u32::from_le_bytes)?;
                self.statements.retain(|(known, _)| *known != number);
                return Some(());
            }
            // Replication, another login, and what is rare.
            _ => return None,
        };
        if self.current.is_some() {
            // MariaDB's client may send ahead; here that is not followed.
            return None;
        }
        let mut exchange = self.context.begin(Protocol::Mysql, moment);
        exchange.verb = verb.to_owned();
        exchange.subject = subject;
        exchange.request.bytes = packet.header.size();
        self.current = Some(exchange);
        self.answer = Answer::new(shape, self.capabilities);
        Some(())
    }

    fn prepared(&self, number: u32) -> String {
        self.statements
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(_, text)| text.clone())
            .unwrap_or_default()
    }

    fn down(&mut self, packet: &Packet<'_>, moment: Moment, sink: &mut Sink<'_>) -> Option<()> {
        let seen = packet.header.seen(packet.content);
        if let Some(exchange) = &mut self.current {
            exchange.answer(moment.first, seen);
        }
        self.counts = true;
        match self.phase {
            Phase::Greeting => {
                self.phase = Phase::Login;
                // It may refuse at once: too many connections.
                (packet.content.first() == Some(&10)).then_some(())
            }
            Phase::Login => None,
            Phase::Authentication => {
                match packet.content.first()? {
                    0x00 => {
                        self.finish(Status::Ok(String::new()), moment.now, sink);
                        self.phase = Phase::Commands;
                    }
                    0xFF => {
                        self.finish(answer::error(packet.content), moment.now, sink);
                        return None;
                    }
                    _ => {}
                }
                Some(())
            }
            Phase::Commands => {
                let exchange = self.current.as_mut()?;
                match self.answer.packet(packet)? {
                    Progress::Goes => {}
                    Progress::Row => *exchange.response.rows.get_or_insert(0) += 1,
                    Progress::Ended(status) => self.finish(status, moment.now, sink),
                }
                Some(())
            }
        }
    }

    /// The answer is whole.
    fn finish(&mut self, status: Status, now: Timestamp, sink: &mut Sink<'_>) {
        self.counts = false;
        if let (Some(number), Some(text)) = (self.answer.prepared.take(), self.preparing.take()) {
            if self.statements.len() >= MOST_STATEMENTS {
                self.statements.pop_front();
            }
            self.statements.push_back((number, text));
        }
        if let Some(mut exchange) = self.current.take() {
            exchange.settle(status);
            sink(exchange.complete(now));
        }
    }
}

impl Dissector for Mysql {
    fn protocol(&self) -> Protocol {
        Protocol::Mysql
    }

    fn step(&mut self, direction: Direction, bytes: &[u8], moment: Moment, sink: &mut Sink<'_>) -> Step {
        let Some(header) = Header::read(bytes) else {
            return Step::More;
        };
        let place = usize::from(direction == Direction::Down);
        let continued = self.continued.get(place).copied().unwrap_or_default();
        let looked_at = match (direction, self.phase) {
            _ if continued => 0,
            (Direction::Up, Phase::Commands) => LONGEST_TEXT,
            (Direction::Up, _) | (Direction::Down, Phase::Greeting | Phase::Authentication) => 1_024,
            (Direction::Down, _) => self.answer.looked_at(bytes.get(4).copied(), header),
        };
        let Some(packet) = Packet::read(header, bytes, looked_at) else {
            return Step::More;
        };
        if let Some(continued) = self.continued.get_mut(place) {
            *continued = header.is_continued();
        }
        let understood = match direction {
            _ if continued => Some(()),
            Direction::Up => self.up(&packet, moment),
            Direction::Down => self.down(&packet, moment, sink),
        };
        match understood {
            Some(()) => packet.step(),
            None => Step::GiveUp,
        }
    }

    fn passed(&mut self, direction: Direction, count: u64, _: u64, now: Timestamp, _: &mut Sink<'_>) {
        if direction == Direction::Down
            && self.counts
            && let Some(exchange) = &mut self.current
        {
            exchange.answer(now, count);
        }
    }

    fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        if let Some(exchange) = self.current.take() {
            sink(exchange.abandon(now));
        }
    }
}
