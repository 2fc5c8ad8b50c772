//! Connections to services.
//!
//! Each client connection has its own, as it would if it had dialled the service itself: a browser that keeps its
//! connection pays the link's round trip once. They are closed with it.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::guard::Manner;

type RequestBody = Either<Incoming, Empty<Bytes>>;
type Line = http1::SendRequest<RequestBody>;
type Trunk = http2::SendRequest<RequestBody>;

/// Idle HTTP/1.1 connections that one client connection keeps: browsers use one at a time, HTTP/2 clients many.
const MOST_IDLE: usize = 8;

/// How long a connection that has failed may take to say why.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A connection just made, and how it will have ended.
struct NewLine {
    line: Line,
    address: SocketAddr,
    end: JoinHandle<hyper::Result<()>>,
}

/// The connections that were made for one client connection.
#[derive(Default)]
pub(crate) struct Backends {
    lines: Mutex<Vec<(SocketAddr, Line)>>,
    trunks: Mutex<HashMap<SocketAddr, Trunk>>,
}

/// A service's answer, and which of its addresses gave it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    pub(crate) address: SocketAddr,
}

/// Why a service did not answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) address: Option<SocketAddr>,
    pub(crate) trouble: Trouble,
}

#[derive(Debug)]
pub(crate) enum Trouble {
    /// It is registered without an address.
    Nowhere,
    Refused,
    TimedOut(Duration),
    Unreachable(io::Error),
    Reset,
    /// The connection ended in order, before an answer.
    Closed,
    /// The answer was not HTTP.
    Garbled(String),
    /// It switched to a protocol that nobody asked for.
    Unasked,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = self.address {
            write!(f, "{address} ")?;
        }
        match &self.trouble {
            Trouble::Nowhere => f.write_str("it has no address"),
            Trouble::Refused => f.write_str("refused the connection (nothing listens there)"),
            Trouble::TimedOut(wait) => write!(f, "did not accept the connection within {wait:?}"),
            Trouble::Unreachable(error) => write!(f, "could not be reached: {error}"),
            Trouble::Reset => f.write_str("reset the connection before it answered"),
            Trouble::Closed => f.write_str("closed the connection before it answered"),
            Trouble::Garbled(error) => write!(f, "gave an answer that is not HTTP: {error}"),
            Trouble::Unasked => f.write_str("switched protocols without being asked"),
        }
    }
}

impl fmt::Debug for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backends").finish_non_exhaustive()
    }
}

impl Backends {
    /// Sends `request` to the first of `addresses` that can be reached.
    pub(crate) async fn send(
        &self,
        addresses: &[SocketAddr],
        request: Request<Incoming>,
        manner: Manner,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        let request = request.map(Either::Left);
        match manner {
            Manner::Grpc => self.send_by_trunk(addresses, request, wait).await,
            // A connection that may become another protocol's is not shared.
            Manner::Upgrade => {
                let new = new_line(addresses, wait).await?;
                self.send_by_new(new, request).await
            }
            Manner::Plain => self.send_by_line(addresses, request, wait).await,
        }
    }

    async fn send_by_line(
        &self,
        addresses: &[SocketAddr],
        mut request: Request<RequestBody>,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        if let Some((address, mut line)) = self.idle_line(addresses) {
            let spare = spare_of(&request);
            match line.try_send_request(request).await {
                Ok(response) => {
                    self.keep(address, line);
                    return Ok(Answer { response, address });
                }
                // The service has closed a connection that was idle, just now. What it never got, and what is safe to
                // do twice (RFC 9110 section 9.2.2), goes once more, on a new connection.
                Err(mut failed) => match failed.take_message().or(spare) {
                    Some(again) => request = again,
                    None => return Err(Failure::after(address, failed.error())),
                },
            }
        }
        let new = new_line(addresses, wait).await?;
        self.send_by_new(new, request).await
    }

    async fn send_by_new(&self, new: NewLine, request: Request<RequestBody>) -> Result<Answer, Failure> {
        let NewLine {
            mut line,
            address,
            end,
        } = new;
        match line.send_request(request).await {
            Ok(response) => {
                self.keep(address, line);
                Ok(Answer { response, address })
            }
            // The connection failed before it took the request (a service that speaks first, say): it knows why.
            Err(error) if error.is_canceled() => match timeout(LAST_WORDS, end).await {
                Ok(Ok(Err(error))) => Err(Failure::after(address, &error)),
                _ => Err(Failure::after(address, &error)),
            },
            Err(error) => Err(Failure::after(address, &error)),
        }
    }

    async fn send_by_trunk(
        &self,
        addresses: &[SocketAddr],
        request: Request<RequestBody>,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        let (mut trunk, address) = match self.open_trunk(addresses) {
            Some(open) => open,
            None => {
                let (stream, address) = dial(addresses, wait).await?;
                let (trunk, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                    .await
                    .map_err(|error| Failure::after(address, &error))?;
                tokio::spawn(connection);
                held(&self.trunks).insert(address, trunk.clone());
                (trunk, address)
            }
        };
        match trunk.send_request(request).await {
            Ok(response) => Ok(Answer { response, address }),
            Err(error) => Err(Failure::after(address, &error)),
        }
    }

    /// A connection whose last answer has been read to its end. Those that were closed meanwhile are dropped.
    fn idle_line(&self, addresses: &[SocketAddr]) -> Option<(SocketAddr, Line)> {
        let mut lines = held(&self.lines);
        lines.retain(|(_, line)| !line.is_closed());
        let ready = lines
            .iter()
            .position(|(address, line)| addresses.contains(address) && line.is_ready())?;
        Some(lines.swap_remove(ready))
    }

    fn keep(&self, address: SocketAddr, line: Line) {
        let mut lines = held(&self.lines);
        if lines.len() >= MOST_IDLE {
            // Its answer, if it is still being read, is read to its end all the same.
            lines.remove(0);
        }
        lines.push((address, line));
    }

    fn open_trunk(&self, addresses: &[SocketAddr]) -> Option<(Trunk, SocketAddr)> {
        let mut trunks = held(&self.trunks);
        trunks.retain(|_, trunk| !trunk.is_closed());
        addresses
            .iter()
            .find_map(|address| Some((trunks.get(address)?.clone(), *address)))
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same request once more, if that does no harm.
fn spare_of(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut spare = Request::new(Either::Right(Empty::new()));
    *spare.method_mut() = request.method().clone();
    *spare.uri_mut() = request.uri().clone();
    *spare.version_mut() = request.version();
    *spare.headers_mut() = request.headers().clone();
    Some(spare)
}

async fn new_line(addresses: &[SocketAddr], wait: Duration) -> Result<NewLine, Failure> {
    let (stream, address) = dial(addresses, wait).await?;
    let (line, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Failure::after(address, &error))?;
    // Ends with the sender, after the answer that is being read then.
    let end = tokio::spawn(connection.with_upgrades());
    Ok(NewLine { line, address, end })
}

/// The first of `addresses` that accepts; else what the last one said.
async fn dial(addresses: &[SocketAddr], wait: Duration) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut failure = Failure {
        address: None,
        trouble: Trouble::Nowhere,
    };
    for &address in addresses {
        let trouble = match timeout(wait, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Best effort, as at the client's side.
                let _ = stream.set_nodelay(true);
                return Ok((stream, address));
            }
            Ok(Err(error)) => match error.kind() {
                io::ErrorKind::ConnectionRefused => Trouble::Refused,
                io::ErrorKind::ConnectionReset => Trouble::Reset,
                io::ErrorKind::TimedOut => Trouble::TimedOut(wait),
                _ => Trouble::Unreachable(error),
            },
            Err(_) => Trouble::TimedOut(wait),
        };
        failure = Failure {
            address: Some(address),
            trouble,
        };
    }
    Err(failure)
}

impl Failure {
    fn after(address: SocketAddr, error: &hyper::Error) -> Self {
        // A request that was never sent is cancelled because of something else: that is what tells.
        let cause = error.source();
        let cause = cause.and_then(|cause| cause.downcast_ref::<hyper::Error>());
        let error = cause.unwrap_or(error);
        let io_error = error.source();
        let io_error = io_error.and_then(|source| source.downcast_ref::<io::Error>());
        let trouble = match io_error.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => Trouble::Reset,
            _ if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => Trouble::Closed,
            _ => Trouble::Garbled(error.to_string()),
        };
        Self {
            address: Some(address),
            trouble,
        }
    }
}
