//! HTTP/2, ended on both sides.
//!
//! Here the two sides have each their own table of headers and their own windows, so requests are read and written
//! anew, by hyper. One connection of a client has one of the provider's, dialled at the first request that wants
//! it. Streams keep their own ends: a reset with its reason, a cancelled request, trailers. When the provider's
//! connection ends in order the client is told so (GOAWAY), and when it breaks, the client's breaks.

mod body;
mod line;

use std::pin::pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{HOST, HeaderMap};
use hyper::http::uri::{Authority, Scheme};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::sleep;

use self::body::Body;
use self::line::{Ending, Line};
use crate::desk::Desk;
use crate::rules::{Answer, Ask, Changes, Drop, Headers, Rule};
use crate::stats::Tally;
use crate::wire::Wire;

/// A request that gets no answer: its stream is reset, with the provider's reason if there is one.
#[derive(Debug, thiserror::Error)]
#[error("the request is dropped")]
struct Dropped(#[source] Option<hyper::Error>);

/// Carries one connection to its end.
pub(crate) async fn carry(client: Wire, desk: &Arc<Desk>) {
    let line = Arc::new(Line::new(Arc::clone(desk)));
    let service = service_fn(|request| {
        let line = Arc::clone(&line);
        async move { answer(request, &line).await }
    });
    let limits = &desk.limits;
    let connection = http2::Builder::new(TokioExecutor::new())
        .auto_date_header(false)
        .max_concurrent_streams(u32::from(limits.requests.max(1)))
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.stream_window.saturating_mul(4).min(WIDEST_WINDOW))
        .max_send_buf_size(limits.stream_window as usize)
        .serve_connection(TokioIo::new(client), service);
    let mut connection = pin!(connection);
    let mut endings = line.endings();
    let ended = tokio::select! {
        result = connection.as_mut() => return line.close(&result),
        ended = endings.wait_for(|ending| *ending != Ending::None) => ended.map(|ending| *ending),
    };
    match ended {
        Ok(Ending::InOrder) => {
            // It answers what it has.
            connection.as_mut().graceful_shutdown();
            line.close(&connection.as_mut().await);
        }
        _ => line.break_off(),
    }
}

/// The widest window that there is (RFC 9113 section 6.9.1).
const WIDEST_WINDOW: u32 = (1 << 31) - 1;

/// A request's headers, with the authority under the name that it has in HTTP/1.
struct Fields<'a> {
    headers: &'a HeaderMap,
    authority: Option<&'a Authority>,
}

impl Headers for Fields<'_> {
    fn any(&self, name: &str, test: &dyn Fn(&[u8]) -> bool) -> bool {
        let authority = self.authority.filter(|_| name == HOST);
        authority.is_some_and(|authority| test(authority.as_str().as_bytes())) || self.headers.any(name, test)
    }
}

async fn answer(request: Request<Incoming>, line: &Arc<Line>) -> Result<Response<Body>, Dropped> {
    let tally = &line.desk.tally;
    Tally::one_more(&tally.requests);
    let fields = Fields {
        headers: request.headers(),
        authority: request.uri().authority(),
    };
    let rule = line.desk.rules().decide(Ask {
        method: request.method().as_str(),
        path: request.uri().path(),
        headers: &fields,
    });
    let Some(rule) = rule else {
        return Ok(send(request, line, None).await?.map(Body::through));
    };
    let mut response = match &rule.answer {
        Answer::Provider => {
            let is_head = request.method() == hyper::Method::HEAD;
            let response = send(request, line, Some(&rule.request)).await?;
            // What has no body has nothing to be broken off.
            let shape = if is_head { Default::default() } else { rule.shape };
            delay(&rule, tally).await;
            response.map(|body| Body::shaped(body, shape, &line.desk))
        }
        Answer::Own(status, text) => {
            let is_head = request.method() == hyper::Method::HEAD;
            delay(&rule, tally).await;
            Tally::one_more(&tally.answered);
            let mut response = Response::new(match is_head {
                true => Body::empty(),
                false => Body::own(text.clone(), rule.shape, &line.desk),
            });
            *response.status_mut() = *status;
            if !crate::rules::has_no_body(*status) {
                response
                    .headers_mut()
                    .insert(hyper::header::CONTENT_LENGTH, text.len().into());
            }
            response
        }
        Answer::Nobody(drop) => {
            Tally::one_more(&tally.dropped);
            delay(&rule, tally).await;
            match drop {
                Drop::Request => return Err(Dropped(None)),
                Drop::Connection => match line.end(Ending::Broken).await {},
            }
        }
    };
    rule.response.apply(response.headers_mut());
    Ok(response)
}

async fn delay(rule: &Rule, tally: &Tally) {
    if let Some(delay) = rule.delay {
        Tally::one_more(&tally.delayed);
        sleep(delay.duration()).await;
    }
}

async fn send(
    mut request: Request<Incoming>,
    line: &Arc<Line>,
    changes: Option<&Changes>,
) -> Result<Response<Incoming>, Dropped> {
    let Ok(mut trunk) = line.trunk().await else {
        match line.end(Ending::Broken).await {}
    };
    let host = changes.and_then(Changes::host);
    if let Some(changes) = changes {
        changes.apply(request.headers_mut());
    }
    if host.is_some() {
        // In its place stands `:authority` (RFC 9113 section 8.3.1).
        request.headers_mut().remove(HOST);
    }
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    if parts.authority.is_some() {
        if let Some(host) = host.and_then(|host| Authority::try_from(host.as_bytes()).ok()) {
            parts.authority = Some(host);
        }
        if parts.scheme.is_some() && line.has_tls() {
            parts.scheme = Some(Scheme::HTTPS);
        }
    }
    // The parts were a URI a moment ago: one with another authority and scheme is one too.
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Dropped(None))?;
    trunk
        .send_request(request.map(Body::through))
        .await
        .map_err(|error| Dropped(Some(error)))
}
