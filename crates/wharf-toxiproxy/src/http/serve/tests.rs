//! Times, told to a runtime whose clock goes on when nothing else does.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Poll};

use hyper::body::Frame;
use tokio::time::Instant;

use super::*;
use crate::Exposure;

/// A body that never comes.
struct Never;

impl Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// Asks an API whose proxies are busy for ever. What it answers, and after how many seconds.
fn ask<B>(body: B) -> (StatusCode, String, u64)
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Kept, and never served.
    let (orders, _unserved) = sync_channel(1);
    let api = Api {
        guard: Guard {
            own: "localhost".to_owned(),
            exposure: Exposure::default(),
        },
        metrics: WithMetrics::No,
        orders,
        peers: PeerCheck::new(|_, _| PeerVerdict::Admit),
        log: Log::silent(),
        ids: RequestIds::new(0),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let request = Request::post("/proxies")
            .header("Host", "localhost:8474")
            .body(body)
            .expect("a request");
        let began = Instant::now();
        let response = api.respond(request).await;
        let took = began.elapsed().as_secs();
        let status = response.status();
        let text = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&text).into_owned(), took)
    })
}

#[test]
fn an_answer_that_does_not_come_times_out_as_the_originals() {
    let (status, body, took) = ask(Full::new(Bytes::from_static(b"{}")));
    assert_eq!((status, took), (StatusCode::SERVICE_UNAVAILABLE, 25));
    let go = "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>";
    assert_eq!(body, go);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let (status, _, took) = ask(Never);
    assert_eq!((status, took), (StatusCode::REQUEST_TIMEOUT, 15));
}
