//! A client over either protocol, and what it saw, as a line.

use std::error::Error as _;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

pub(crate) enum Client {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, protocol: Protocol) -> Self {
        let stream = TcpStream::connect(address).await.expect("connect");
        stream.set_nodelay(true).expect("nodelay");
        let io = TokioIo::new(stream);
        match protocol {
            Protocol::Http1 => {
                let (client, connection) = http1::handshake(io).await.expect("HTTP/1");
                tokio::spawn(connection);
                Self::Http1(client)
            }
            Protocol::Http2 => {
                let (client, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
                tokio::spawn(connection);
                Self::Http2(client)
            }
        }
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        let sent = async {
            match self {
                Self::Http1(client) => client.send_request(request).await,
                Self::Http2(client) => client.send_request(request).await,
            }
        };
        timeout(PATIENCE, sent).await.expect("an answer in time")
    }

    /// Sends a request and tells what came.
    pub(crate) async fn see(&mut self, request: Request<Full<Bytes>>) -> String {
        match self.send(request).await {
            Err(error) => format!("no answer: {}", cause(&error)),
            Ok(response) => tell(response).await,
        }
    }
}

/// A request in words: `POST /echo x-sent:1 =body`.
pub(crate) fn request(words: &str, protocol: Protocol) -> Request<Full<Bytes>> {
    let mut words = words.split(' ');
    let method = words.next().expect("a method");
    let path = words.next().expect("a path");
    let mut request = Request::builder().method(method);
    request = match protocol {
        Protocol::Http1 => request.uri(path).header("host", "api.test"),
        Protocol::Http2 => request.uri(format!("http://api.test{path}")),
    };
    let mut body = Bytes::new();
    for word in words {
        match word.split_once(':') {
            Some((name, value)) => request = request.header(name, value),
            None => body = word.trim_start_matches('=').to_owned().into(),
        }
    }
    request.body(Full::new(body)).expect("a request")
}

async fn tell(response: Response<Incoming>) -> String {
    let (head, mut body) = response.into_parts();
    let mut told = format!("{}", head.status.as_u16());
    tell_headers(&mut told, &head.headers);
    let mut data = Vec::new();
    let end = loop {
        match timeout(PATIENCE, body.frame()).await.expect("a frame in time") {
            None => break "whole".to_owned(),
            Some(Err(error)) => break format!("broken: {}", cause(&error)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => data.extend_from_slice(&bytes),
                Err(frame) => {
                    told.push_str(" trailers:");
                    tell_headers(&mut told, &frame.into_trailers().expect("trailers"));
                }
            },
        }
    };
    let data = match data.len() {
        0..=40 => format!("{:?}", String::from_utf8_lossy(&data)),
        length => format!("{length} bytes"),
    };
    format!("{told} {data} {end}")
}

fn tell_headers(told: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        // The provider's, and never the same twice.
        if name != "date" {
            told.push_str(&format!(" {name}={}", String::from_utf8_lossy(value.as_bytes())));
        }
    }
}

fn cause(error: &hyper::Error) -> String {
    let reset = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>());
    match reset {
        Some(error) => format!("{:?}", error.kind()),
        None => error
            .source()
            .map_or_else(|| error.to_string(), |source| source.to_string()),
    }
}
