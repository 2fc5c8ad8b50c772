//! The requests that are sent, as HTTP/1.1.

use std::fmt::Write;

use crate::speech;

/// A request without a body. It never carries a credential.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The Host; checked by whoever makes it.
    pub(crate) host: String,
    pub(crate) origin: Option<String>,
    pub(crate) asks: Asks,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The page.
    Page,
    /// Whether a page of the Origin may send JSON here (Fetch standard, CORS-preflight).
    Preflight,
    /// A WebSocket.
    Websocket,
}

impl Request {
    /// `GET path`.
    pub(crate) fn get(path: &'static str, host: &str) -> Self {
        Self {
            method: "GET",
            path,
            host: host.to_owned(),
            origin: None,
            asks: Asks::Page,
        }
    }

    /// The same, from a page of `origin`.
    pub(crate) fn from(self, origin: &str) -> Self {
        Self {
            origin: Some(origin.to_owned()),
            ..self
        }
    }

    /// A preflight for it.
    pub(crate) fn preflight(self) -> Self {
        Self {
            method: "OPTIONS",
            asks: Asks::Preflight,
            ..self
        }
    }

    /// Its upgrade to a WebSocket.
    pub(crate) fn websocket(self) -> Self {
        Self {
            asks: Asks::Websocket,
            ..self
        }
    }

    /// The length of its first line, with its end.
    pub(crate) fn first_line(&self) -> usize {
        self.method.len() + self.path.len() + " ".len() + " HTTP/1.1\r\n".len()
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {USER_AGENT}\r\nAccept: text/html, */*;q=0.5\r\n",
            self.method, self.path, self.host
        );
        if let Some(origin) = &self.origin {
            let _ = write!(text, "Origin: {origin}\r\n");
        }
        text.push_str(match self.asks {
            Asks::Page => "Connection: close\r\n",
            Asks::Preflight => {
                "Connection: close\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"
            }
            Asks::Websocket => "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        });
        if self.asks == Asks::Websocket {
            let _ = write!(text, "Sec-WebSocket-Key: {}\r\n", speech::KEY);
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// Who asks.
pub(crate) const USER_AGENT: &str = "wharf";
