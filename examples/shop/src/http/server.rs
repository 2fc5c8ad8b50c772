//! The server's end of a connection.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::HEAD_MAX;
use super::head::Head;
use crate::wire::Wire;

/// How long a connection may be idle between requests.
const IDLE: Duration = Duration::from_secs(30);
/// How long one request may take to arrive, and one response to be taken.
const MESSAGE: Duration = Duration::from_secs(10);

/// A request.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The type of the body, without parameters.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub struct Response {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Response {
    /// A page.
    #[must_use]
    pub fn html(body: &str) -> Self {
        Self {
            status: 200,
            content_type: "text/html; charset=utf-8",
            body: body.into(),
        }
    }

    /// JSON.
    #[must_use]
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type: "application/json",
            body,
        }
    }

    /// A problem, as JSON: `{"error": "…"}`.
    #[must_use]
    pub fn error(status: u16, problem: &str) -> Self {
        let body = serde_json::json!({ "error": problem });
        Self::json(status, body.to_string().into_bytes())
    }

    fn bytes(&self, closes: bool, with_body: bool) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 {} {}\r\ncontent-type: {}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
             x-content-type-options: nosniff\r\nconnection: {}\r\n\r\n",
            self.status,
            reason(self.status),
            self.content_type,
            self.body.len(),
            if closes { "close" } else { "keep-alive" },
        );
        let mut bytes = head.into_bytes();
        if with_body {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

/// Answers the requests of a connection, one after the other, until either end has had enough.
pub fn handle(stream: TcpStream, answer: &dyn Fn(&Request) -> Response) {
    // A peer that goes away in the middle is no business of the others.
    let _ = Wire::new(stream).and_then(|mut wire| converse(&mut wire, answer));
}

fn converse(wire: &mut Wire, answer: &dyn Fn(&Request) -> Response) -> io::Result<()> {
    while let Some(bytes) = wire.until(b"\r\n\r\n", HEAD_MAX, Instant::now() + IDLE)? {
        let (response, closes, with_body) = match request(wire, &bytes)? {
            Ok((request, closes)) => (answer(&request), closes, request.method != "HEAD"),
            Err(status) => (Response::error(status, reason(status)), true, true),
        };
        let bytes = response.bytes(closes, with_body);
        wire.send(&bytes, Instant::now() + MESSAGE)?;
        if closes {
            break;
        }
    }
    Ok(())
}

/// Reads a request behind its head, and whether it is the last; or the status of its refusal.
fn request(wire: &mut Wire, head: &[u8]) -> io::Result<Result<(Request, bool), u16>> {
    let Some(head) = Head::parse(head) else {
        return Ok(Err(400));
    };
    let parts: Vec<&str> = head.first.split(' ').collect();
    let [method, target, version] = parts[..] else {
        return Ok(Err(400));
    };
    if !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return Ok(Err(505));
    }
    // RFC 9112, section 3.2: exactly one Host.
    if !target.starts_with('/') || (version == "HTTP/1.1" && head.field("host").is_none()) {
        return Ok(Err(400));
    }
    let length = match head.body_length() {
        Ok(length) => length,
        Err(status) => return Ok(Err(status)),
    };
    let deadline = Instant::now() + MESSAGE;
    if length > 0 && head.field("expect") == Some("100-continue") {
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n", deadline)?;
    }
    let content_type = head.field("content-type").unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    let request = Request {
        method: method.to_owned(),
        path: target.split('?').next().unwrap_or_default().to_owned(),
        content_type: content_type.to_ascii_lowercase(),
        body: wire.exactly(length, deadline)?,
    };
    Ok(Ok((request, head.closes(version))))
}
