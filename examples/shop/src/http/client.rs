//! The client's end: connections that are kept for the next request.

use std::io;
use std::time::{Duration, Instant};

use super::HEAD_MAX;
use super::head::Head;
use crate::pool::Pool;

/// A client of one server.
#[derive(Debug)]
pub struct Client(Pool);

impl Client {
    /// A client of the server at `http://host:port`.
    pub fn new(url: &str) -> io::Result<Self> {
        let problem = || io::Error::new(io::ErrorKind::InvalidInput, format!("`{url}` is no http:// URL"));
        let rest = url.strip_prefix("http://").ok_or_else(problem)?;
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '@', ' ']) {
            return Err(problem());
        }
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if has_port {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        Ok(Self(Pool::new(authority)))
    }

    /// Gets a path: the status and the body.
    pub fn get(&self, path: &str, within: Duration) -> io::Result<(u16, Vec<u8>)> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.0.address());
        self.exchange(request.as_bytes(), within)
    }

    /// Posts JSON.
    pub fn post(&self, path: &str, body: &[u8], within: Duration) -> io::Result<(u16, Vec<u8>)> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.0.address(),
            body.len()
        );
        self.exchange(&[head.as_bytes(), body].concat(), within)
    }

    /// Sends a request and takes its answer. Nothing is sent twice: a caller knows better whether
    /// that is safe.
    fn exchange(&self, request: &[u8], within: Duration) -> io::Result<(u16, Vec<u8>)> {
        let deadline = Instant::now() + within;
        let mut wire = self.0.take(deadline)?;
        let wrong = |problem| io::Error::new(io::ErrorKind::InvalidData, problem);
        wire.send(request, deadline)?;
        let bytes = wire.until(b"\r\n\r\n", HEAD_MAX, deadline)?;
        let bytes = bytes.ok_or(io::ErrorKind::UnexpectedEof)?;
        let head = Head::parse(&bytes).ok_or_else(|| wrong("an answer that is not HTTP"))?;
        let mut words = head.first.split(' ');
        let version = words.next().unwrap_or_default();
        let status = words.next().and_then(|status| status.parse::<u16>().ok());
        let status = status.filter(|_| version.starts_with("HTTP/1."));
        let status = status.ok_or_else(|| wrong("an answer that is not HTTP"))?;
        let length = head.body_length().ok().filter(|_| head.has("content-length"));
        let length = length.ok_or_else(|| wrong("an answer of unknown length"))?;
        let body = wire.exactly(length, deadline)?;
        if !head.closes(version) {
            self.0.keep(wire);
        }
        Ok((status, body))
    }
}
