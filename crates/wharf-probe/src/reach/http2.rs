//! HTTP/2: a page, or gRPC.

use h2::client::{Builder, SendRequest};
use h2::{Error, Reason, RecvStream};
use http::{HeaderMap, Method, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use crate::page::{Answer, BODY, USER_AGENT};

/// What came of it.
#[derive(Debug)]
pub(super) enum Http2 {
    /// gRPC answered.
    Grpc,
    /// A page.
    Page(Answer),
    /// HTTP/2 is spoken, but nothing was answered.
    Mute,
    /// That is no HTTP/2.
    Not,
}

/// Asks for `/` at `authority` over `stream`: its first sign until `first`, its answer until `until`.
pub(super) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    scheme: &str,
    authority: &str,
    until: Instant,
) -> Http2 {
    let settings = Builder::new()
        .enable_push(false)
        .initial_window_size(BODY as u32)
        .max_header_list_size(BODY as u32)
        .handshake::<_, &[u8]>(stream);
    let Ok(Ok((sender, connection))) = timeout_at(until, settings).await else {
        return Http2::Not;
    };
    let uri = |path: &str| format!("{scheme}://{authority}{path}");
    let questions = questions(sender, uri("/"), uri("/wharf.Probe/Ping"));
    // The connection ends when it fails, or when nobody asks any more.
    let asked = async {
        tokio::select! {
            biased;
            answer = questions => answer,
            end = connection => end.and(Ok(Http2::Not)),
        }
    };
    match timeout_at(until, asked).await {
        Ok(Ok(answer)) => answer,
        // Who resets a stream or says goodbye in HTTP/2 speaks it.
        Ok(Err(error)) if error.is_remote() && !error.is_io() => Http2::Mute,
        Ok(Err(_)) | Err(_) => Http2::Not,
    }
}

/// A page is asked for first; a gRPC server answers even that as gRPC, or not at all, and is then
/// asked for a method that nobody has.
async fn questions(sender: SendRequest<&[u8]>, page: String, method: String) -> Result<Http2, Error> {
    let mut sender = sender.ready().await?;
    let get = Request::get(page).header("user-agent", USER_AGENT);
    let answer = send(&mut sender, get).await;
    if let Ok(response) = answer {
        if is_grpc(response.headers()) {
            return Ok(Http2::Grpc);
        }
        return Ok(Http2::Page(read(response).await));
    }
    let mut sender = sender.ready().await?;
    let post = Request::builder()
        .method(Method::POST)
        .uri(method)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", USER_AGENT);
    let response = send(&mut sender, post).await?;
    Ok(if is_grpc(response.headers()) {
        Http2::Grpc
    } else {
        Http2::Mute
    })
}

async fn send(
    sender: &mut SendRequest<&[u8]>,
    request: http::request::Builder,
) -> Result<Response<RecvStream>, Error> {
    let request = request.body(()).map_err(|_| Reason::INTERNAL_ERROR)?;
    let (response, _) = sender.send_request(request, true)?;
    response.await
}

/// Every answer of gRPC has its content type (gRPC over HTTP2, "Responses").
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get("content-type").map(http::HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) || headers.contains_key("grpc-status")
}

/// The answer, with as much of its body as one window holds.
async fn read(response: Response<RecvStream>) -> Answer {
    let (parts, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while body.len() < BODY {
        match stream.data().await {
            Some(Ok(data)) if !data.is_empty() => body.extend_from_slice(&data),
            Some(Ok(_)) if !stream.is_end_stream() => {}
            _ => break,
        }
    }
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    Answer::of_parts(parts.status.as_u16(), headers, body)
}
