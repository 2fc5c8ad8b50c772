//! Clients: bytes by hand for HTTP/1.1, hyper for HTTP/2.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::PATIENCE;

/// An answer in HTTP/1.1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub(crate) fn connect(door: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(door).expect("connect to the door");
    stream.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
    stream
}

/// Sends `request` as it is, and reads one answer to the connection's end.
pub(crate) fn send(door: SocketAddr, request: &str) -> Reply {
    try_send(door, request.as_bytes(), PATIENCE).expect("an answer")
}

/// `GET /` with more fields (each with its CRLF).
pub(crate) fn get(door: SocketAddr, host: &str, more: &str) -> Reply {
    send(
        door,
        &format!("GET / HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n"),
    )
}

pub(crate) fn try_send(door: SocketAddr, request: &[u8], wait: Duration) -> Result<Reply, String> {
    let mut stream = TcpStream::connect_timeout(&door, wait).map_err(|error| format!("connect: {error}"))?;
    let _ = stream.set_read_timeout(Some(wait));
    stream
        .write_all(request)
        .map_err(|error| format!("write: {error}"))?;
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer);
    parse(&answer).ok_or_else(|| {
        let text = String::from_utf8_lossy(&answer).into_owned();
        format!("read: {end:?}, after {text:?}")
    })
}

/// The first answer in `bytes`, if it is whole.
pub(crate) fn parse(bytes: &[u8]) -> Option<Reply> {
    let text = String::from_utf8_lossy(bytes);
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut reply = Reply {
        status,
        head: head.to_owned(),
        body: String::new(),
    };
    reply.body = match reply.field("content-length") {
        Some(length) => rest.get(..length.parse().ok()?)?.to_owned(),
        None => rest.to_owned(),
    };
    Some(reply)
}

/// An answer in HTTP/2.
#[derive(Debug)]
pub(crate) struct Reply2 {
    pub(crate) status: StatusCode,
    pub(crate) head: HeaderMap,
    pub(crate) body: String,
    pub(crate) trailers: HeaderMap,
}

/// Runs `talk` with an HTTP/2 connection to the door.
pub(crate) fn with_h2<T>(door: SocketAddr, talk: impl AsyncFnOnce(SendRequest<Full<Bytes>>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(door)
            .await
            .expect("connect to the door");
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("an HTTP/2 handshake");
        tokio::spawn(connection);
        tokio::time::timeout(PATIENCE, talk(sender))
            .await
            .expect("an answer in time")
    })
}

/// One request over HTTP/2.
pub(crate) fn send2(door: SocketAddr, request: Request<Full<Bytes>>) -> Reply2 {
    with_h2(door, async |mut sender| {
        let response = sender.send_request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let collected = body.collect().await.expect("a whole body");
        let trailers = collected.trailers().cloned().unwrap_or_default();
        Reply2 {
            status: head.status,
            head: head.headers,
            body: String::from_utf8_lossy(&collected.to_bytes()).into_owned(),
            trailers,
        }
    })
}
