//! What a PostgreSQL consumer has asked and not yet been told.

use std::collections::VecDeque;

use super::super::Sink;
use crate::Timestamp;
use crate::exchange::{Exchange, Status};

/// How many questions may wait for their answers. A consumer that pipelines more is not followed.
const MOST_PENDING: usize = 512;

/// How many prepared statements and portals are remembered; the oldest are forgotten.
const MOST_NAMES: usize = 128;

/// What kind of question it is, which says what ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The start-up: ended by readiness or an error.
    Connect,
    /// Ended by readiness.
    Query,
    /// Ended by completion.
    Execute,
    /// A statement is prepared and not executed: ended by readiness.
    Prepare,
}

#[derive(Debug)]
enum Question {
    Asked(Kind, Box<Exchange>),
    /// `Sync`: asks for readiness, and is no exchange of its own.
    Sync,
}

#[derive(Debug, Default)]
pub(super) struct Questions {
    pending: VecDeque<Question>,
    /// The request that is being put together of messages of the extended protocol.
    pub(super) unit: Option<Exchange>,
    /// What was parsed in it.
    parsed: Option<String>,
    statements: Names,
    portals: Names,
}

impl Questions {
    /// A question. `None`: there are too many.
    pub(super) fn ask(&mut self, kind: Kind, exchange: Exchange) -> Option<()> {
        self.push(Question::Asked(kind, Box::new(exchange)))
    }

    fn push(&mut self, question: Question) -> Option<()> {
        if self.pending.len() >= MOST_PENDING {
            return None;
        }
        self.pending.push_back(question);
        Some(())
    }

    pub(super) fn parse(&mut self, name: String, statement: String) {
        self.statements.put(name, statement.clone());
        self.parsed = Some(statement);
    }

    pub(super) fn bind(&mut self, portal: &str, statement: &str) {
        // Unknown where it was prepared before anybody looked.
        let text = self.statements.get(statement).unwrap_or_default().to_owned();
        self.portals.put(portal.to_owned(), text);
    }

    pub(super) fn execute(&mut self, portal: &str) -> Option<()> {
        let Some(mut exchange) = self.unit.take() else {
            return Some(());
        };
        self.parsed = None;
        exchange.verb = "Execute".to_owned();
        exchange.subject = self.portals.get(portal).unwrap_or_default().to_owned();
        self.ask(Kind::Execute, exchange)
    }

    pub(super) fn sync(&mut self, size: u64) -> Option<()> {
        if let (Some(mut exchange), Some(statement)) = (self.unit.take(), self.parsed.take()) {
            exchange.verb = "Prepare".to_owned();
            exchange.subject = statement;
            exchange.request.bytes += size;
            self.ask(Kind::Prepare, exchange)?;
        }
        self.push(Question::Sync)
    }

    /// The question that is being answered.
    fn current(&mut self) -> Option<(Kind, &mut Exchange)> {
        match self.pending.front_mut()? {
            Question::Asked(kind, exchange) => Some((*kind, exchange)),
            Question::Sync => None,
        }
    }

    pub(super) fn count(&mut self, bytes: u64, at: Timestamp) {
        if let Some((_, exchange)) = self.current() {
            exchange.answer(at, bytes);
        }
    }

    pub(super) fn row(&mut self) {
        if let Some((_, exchange)) = self.current() {
            *exchange.response.rows.get_or_insert(0) += 1;
        }
    }

    /// A command is done.
    pub(super) fn complete(&mut self, status: Status, now: Timestamp, sink: &mut Sink<'_>) {
        let Some((kind, exchange)) = self.current() else {
            return;
        };
        match kind {
            Kind::Execute => {
                exchange.status = Some(status);
                self.end(now, sink);
            }
            // Of several statements in one query the last one tells.
            Kind::Query => exchange.status = Some(status),
            Kind::Connect | Kind::Prepare => {}
        }
    }

    /// An error: whatever was asked up to the next readiness will not be done.
    pub(super) fn fail(&mut self, status: Status, now: Timestamp, sink: &mut Sink<'_>) {
        let Some((kind, exchange)) = self.current() else {
            return;
        };
        exchange.settle(status);
        if matches!(kind, Kind::Connect | Kind::Execute) {
            self.end(now, sink);
            while let Some((Kind::Execute | Kind::Prepare, _)) = self.current() {
                self.pending.pop_front();
            }
        }
    }

    /// The server is ready for the next query.
    pub(super) fn ready(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        while let Some((kind, exchange)) = self.current() {
            if matches!(kind, Kind::Connect | Kind::Prepare) {
                exchange.status.get_or_insert_with(|| Status::Ok(String::new()));
            }
            self.end(now, sink);
            if matches!(kind, Kind::Connect | Kind::Query) {
                return;
            }
        }
        self.pending.pop_front();
    }

    fn end(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        if let Some(Question::Asked(_, exchange)) = self.pending.pop_front() {
            sink(exchange.complete(now));
        }
    }

    pub(super) fn abandon(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        for question in self.pending.drain(..) {
            if let Question::Asked(_, exchange) = question {
                sink(exchange.abandon(now));
            }
        }
    }
}

/// Texts by name, bounded.
#[derive(Debug, Default)]
struct Names(VecDeque<(String, String)>);

impl Names {
    fn put(&mut self, name: String, text: String) {
        self.0.retain(|(known, _)| *known != name);
        if self.0.len() >= MOST_NAMES {
            self.0.pop_front();
        }
        self.0.push_back((name, text));
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, text)| text.as_str())
    }
}
