//! Connections to the API, and the way of each request through it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::answer::{Answer, Kind, Order};
use super::guard::{Guard, Refusal};
use super::route::{Routed, WithMetrics, routed};
use crate::log::{Level, Log};
use crate::peers::{PeerCheck, PeerVerdict};

/// Connections at once.
const CONNECTIONS: usize = 400;
/// The longest body: a populate of some 100,000 proxies.
const BODY: usize = 16 << 20;
/// How long a body may take to come (Toxiproxy's `read_timeout`).
const BODY_WAIT: Duration = Duration::from_secs(15);
/// How long a quiet connection is kept (Toxiproxy's `IdleTimeout`).
const IDLE: Duration = Duration::from_secs(60);
/// How long an answer may take (Toxiproxy's `timeoutMiddleware`).
const ANSWER: Duration = Duration::from_secs(25);
/// When accept fails for want of descriptors, it fails again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-toxiproxy-request-id");

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) guard: Guard,
    pub(crate) metrics: WithMetrics,
    pub(crate) orders: SyncSender<Order>,
    pub(crate) peers: PeerCheck,
    pub(crate) log: Log,
    pub(crate) ids: RequestIds,
}

/// Serves until told to end.
pub(crate) async fn serve(
    listeners: Vec<std::net::TcpListener>,
    api: Arc<Api>,
    mut end: watch::Receiver<bool>,
) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    for listener in listeners {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        tokio::spawn(accept(listener, Arc::clone(&api), Arc::clone(&room)));
    }
    // An error says that whoever could tell is gone: an end as well.
    let _ = end.wait_for(|end| *end).await;
    Ok(())
}

async fn accept(listener: TcpListener, api: Arc<Api>, room: Arc<Semaphore>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                    continue;
                };
                let api = Arc::clone(&api);
                if stream.local_addr().is_ok_and(|local| api.refuses(local, peer)) {
                    continue;
                }
                tokio::spawn(async move {
                    converse(stream, api).await;
                    drop(permit);
                });
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream, api: Arc<Api>) {
    // Best effort: without it small answers wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.respond(request).await) }
    });
    // How it ended is the client's affair: each request has had its answer.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        // `printf … | nc` closes its end before it reads.
        .half_close(true)
        // As Go writes them.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Api {
    fn refuses(&self, local: SocketAddr, peer: SocketAddr) -> bool {
        let (level, why) = match self.peers.verdict(local, peer) {
            PeerVerdict::Admit => return false,
            PeerVerdict::Refuse => (Level::Warn, "it is another user's"),
            PeerVerdict::Unknown => (Level::Debug, "it is not known whose it is"),
        };
        self.log.say(level, &format!("refused {peer}: {why}"));
        true
    }

    async fn respond<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let target = uri.authority().map(|authority| authority.as_str());
        let mut id = None;
        let answer = match self.guard.admit(request.headers(), target) {
            Err(refusal) => refused(refusal),
            Ok(()) => match routed(&method, uri.path(), uri.query(), self.metrics) {
                Routed::To(route) => {
                    id = Some(self.ids.next());
                    let ask = async {
                        match body_of(request.into_body()).await {
                            Ok(body) => self.ask(route, body).await,
                            Err(answer) => answer,
                        }
                    };
                    timeout(ANSWER, ask).await.unwrap_or_else(|_| Answer::timed_out())
                }
                Routed::NotFound => Answer::text(StatusCode::NOT_FOUND, "404 page not found"),
                Routed::NotAllowed => Answer::empty(StatusCode::METHOD_NOT_ALLOWED),
                Routed::Redirect(to) => Answer {
                    kind: Kind::Redirect(to),
                    ..Answer::empty(StatusCode::MOVED_PERMANENTLY)
                },
            },
        };
        self.log.say(
            Level::Debug,
            &format!("{method} {} {}", uri.path(), answer.status.as_u16()),
        );
        response(answer, id)
    }

    async fn ask(&self, route: super::Route, body: String) -> Answer {
        let (answer, answered) = oneshot::channel();
        let order = Order::Request { route, body, answer };
        match self.orders.try_send(order) {
            Ok(()) => answered.await.unwrap_or_else(|_| Answer::timed_out()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Answer::timed_out(),
        }
    }
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Malformed => Answer::text(
            StatusCode::BAD_REQUEST,
            "400 Bad Request: missing or malformed Host header",
        ),
        Refusal::Misdirected => Answer::text(StatusCode::MISDIRECTED_REQUEST, "not a host of this server"),
        Refusal::Agent => Answer::text(StatusCode::FORBIDDEN, "User agent not allowed"),
        Refusal::Page => Answer::text(StatusCode::FORBIDDEN, "Web pages not allowed"),
    }
}

/// A body as text. Go, too, puts U+FFFD for what is no UTF-8.
async fn body_of<B>(body: B) -> Result<String, Answer>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match timeout(BODY_WAIT, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Answer::text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too long",
        )),
        Ok(Err(_)) => Err(Answer::text(StatusCode::BAD_REQUEST, "the body ended early")),
        Err(_) => Err(Answer::text(StatusCode::REQUEST_TIMEOUT, "the body did not come")),
    }
}

fn response(answer: Answer, id: Option<String>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    let media = match answer.kind {
        Kind::Json => Some("application/json"),
        Kind::Text => {
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            Some("text/plain; charset=utf-8")
        }
        Kind::Version => Some("application/json;charset=utf-8"),
        Kind::Metrics => Some("text/plain; version=0.0.4; charset=utf-8"),
        Kind::Html => Some("text/html; charset=utf-8"),
        Kind::Empty => None,
        Kind::Redirect(to) => {
            if let Ok(to) = HeaderValue::from_str(&to) {
                headers.insert(LOCATION, to);
            }
            None
        }
    };
    if let Some(media) = media {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Numbers of requests, in the form of Toxiproxy's: 20 digits of base 32.
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// `start` tells one run of the server from another.
    pub(crate) fn new(start: u64) -> Self {
        Self {
            start,
            next: AtomicU64::new(0),
        }
    }

    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let wide = u128::from(self.start) << 36 | u128::from(number & ((1 << 36) - 1));
        (0..20)
            .rev()
            .map(|digit| {
                let value = (wide >> (digit * 5)) & 31;
                char::from_digit(u32::try_from(value).unwrap_or(0), 32).unwrap_or('0')
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
