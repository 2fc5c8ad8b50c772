//! One request and its answer, as far as they were seen.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::redact::REDACTED;

/// A protocol that an observer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.0 and 1.1 (RFC 9112).
    Http1,
    /// HTTP/2 with prior knowledge (RFC 9113), gRPC included.
    Http2,
    /// Redis, RESP2 and RESP3.
    Redis,
    /// PostgreSQL, protocol 3.
    Postgres,
    /// MySQL and MariaDB, protocol 10.
    Mysql,
    /// TLS: its first message alone.
    Tls,
}

impl Protocol {
    /// The port that it is known by: analysers look at ports to tell what they decode.
    #[must_use]
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Http1 | Self::Http2 => 80,
            Self::Redis => 6379,
            Self::Postgres => 5432,
            Self::Mysql => 3306,
            Self::Tls => 443,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Redis => "Redis",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Tls => "TLS",
        })
    }
}

/// One request and its answer. All text in it is bounded, and without secrets unless asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The number of the connection, as the carrier counts them.
    pub connection: u64,
    /// How the two spoke.
    pub protocol: Protocol,
    /// What was asked for: an HTTP method, a Redis command, `Query`, `Execute`, `Connect`, …
    pub verb: String,
    /// Of what: a path, arguments, a statement.
    pub subject: String,
    /// How it went, where the protocol says so.
    pub status: Option<Status>,
    /// How it ended.
    pub outcome: Outcome,
    /// What the consumer sent.
    pub request: Message,
    /// What came back.
    pub response: Message,
    /// When the first byte of the request passed.
    pub started: Timestamp,
    /// When the first byte of the response passed.
    pub first_byte: Option<Timestamp>,
    /// When the last byte of the response passed, or the connection ended.
    pub ended: Timestamp,
}

/// What one side sent in an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its size, with framing, as it passed.
    pub bytes: u64,
    /// Names and values that came with it: the fields of an HTTP head and its trailer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
    /// Rows, for databases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The beginning of its body, if bodies were asked for. Of HTTP only; as it passed, so perhaps
    /// compressed; and nothing in it is redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Vec<u8>>,
}

/// What an answer said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// An HTTP status code.
    Code(u16),
    /// Done: a command tag such as `INSERT 0 1`, or nothing more than that.
    Ok(String),
    /// Refused or failed.
    Error {
        /// The protocol's code: an SQLSTATE, `WRONGTYPE`, the number of a TLS alert.
        code: String,
        /// What it says beside.
        message: String,
    },
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Ok(tag) if tag.is_empty() => f.write_str("OK"),
            Self::Ok(tag) => f.write_str(tag),
            Self::Error { code, message } => write!(f, "{code} {message}"),
        }
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With a whole answer.
    Complete,
    /// The connection ended in the midst of the answer.
    Partial,
    /// The connection ended before the answer began.
    Unanswered,
}

impl Exchange {
    /// An exchange that begins.
    pub(crate) fn begin(connection: u64, protocol: Protocol, started: Timestamp) -> Self {
        Self {
            connection,
            protocol,
            verb: String::new(),
            subject: String::new(),
            status: None,
            outcome: Outcome::Unanswered,
            request: Message::default(),
            response: Message::default(),
            started,
            first_byte: None,
            ended: started,
        }
    }

    /// Notes that bytes of the response have come.
    pub(crate) fn answer(&mut self, at: Timestamp, bytes: u64) {
        self.first_byte.get_or_insert(at);
        self.outcome = Outcome::Partial;
        self.response.bytes = self.response.bytes.saturating_add(bytes);
    }

    /// Notes how it went. An error may quote the statement: if that has secrets, it has them too.
    pub(crate) fn settle(&mut self, mut status: Status) {
        if let Status::Error { message, .. } = &mut status
            && self.subject.contains(REDACTED)
        {
            REDACTED.clone_into(message);
        }
        self.status = Some(status);
    }

    /// The same, whole.
    pub(crate) fn complete(mut self, ended: Timestamp) -> Self {
        self.outcome = Outcome::Complete;
        self.ended = ended;
        self
    }

    /// The same, as far as it came.
    pub(crate) fn abandon(mut self, ended: Timestamp) -> Self {
        self.ended = ended;
        self
    }

    /// The memory that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        let status = match &self.status {
            Some(Status::Error { code, message }) => code.len() + message.len(),
            Some(Status::Ok(tag)) => tag.len(),
            Some(Status::Code(_)) | None => 0,
        };
        let message = |message: &Message| {
            let body = message.body.as_ref().map_or(0, Vec::capacity);
            let field = |(name, value): &(String, String)| {
                name.capacity() + value.capacity() + size_of::<(String, String)>()
            };
            body + message.fields.iter().map(field).sum::<usize>()
        };
        let text = self.verb.capacity() + self.subject.capacity() + status;
        size_of::<Self>() + text + message(&self.request) + message(&self.response)
    }
}

/// As a line: `GET /orders?id=7 → 200`.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.verb)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        match (&self.status, self.outcome) {
            (Some(status), _) => write!(f, " → {status}"),
            (None, Outcome::Complete) => Ok(()),
            (None, Outcome::Partial) => f.write_str(" → cut short"),
            (None, Outcome::Unanswered) => f.write_str(" → no answer"),
        }
    }
}
