//! A question in HTTP/1, and what comes back.

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::line::{Heard, hear};
use crate::page::{self, Answer, Reading, Request};

/// What came of a question.
#[derive(Debug)]
pub(super) enum Exchange {
    /// An answer, or as much of it as came in time.
    Answer(Answer),
    /// Something else than HTTP.
    Other(Vec<u8>),
    /// Nothing yet: the connection stands.
    Waiting,
    /// It closed, or reset, without an answer.
    Ended,
}

/// Asks, and reads the answer: its first byte until `first`, the rest of it until `until`.
pub(super) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &Request,
    first: Instant,
    until: Instant,
) -> Exchange {
    // A request is far smaller than any send buffer: this does not wait.
    if stream.write_all(&request.bytes()).await.is_err() || stream.flush().await.is_err() {
        return Exchange::Ended;
    }
    listen(stream, first, until).await
}

/// Reads the answer to a question that was asked.
pub(super) async fn listen<S: AsyncRead + Unpin>(stream: &mut S, first: Instant, until: Instant) -> Exchange {
    let mut bytes = Vec::new();
    let mut best = None;
    loop {
        let by = if bytes.is_empty() { first } else { until };
        let heard = hear(stream, by, &mut bytes).await;
        match page::read(&bytes) {
            Reading::Enough(answer) => return Exchange::Answer(answer),
            Reading::Body(answer) => best = Some(answer),
            Reading::Not => return Exchange::Other(bytes),
            Reading::Head => {}
        }
        if heard == Heard::More {
            continue;
        }
        return match best {
            Some(answer) => Exchange::Answer(answer),
            None if !bytes.is_empty() => Exchange::Other(bytes),
            None if heard == Heard::Nothing => Exchange::Waiting,
            None => Exchange::Ended,
        };
    }
}
