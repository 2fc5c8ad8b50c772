//! A question in HTTP/1, and what comes back.

use std::io;
use std::time::Duration;

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

/// How a question is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once.
    AtOnce,
    /// Its first line, then after a moment the rest. Who speaks in lines answers the first one: Redis
    /// and memcached say what is wrong with it. The header `Host` would make Redis write of an attack.
    FirstLine(Duration),
}

/// Asks, and reads the answer: its first byte until `first`, the rest of it until `until`.
pub(super) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &Request,
    pace: Pace,
    first: Instant,
    until: Instant,
) -> Exchange {
    let bytes = request.bytes();
    let mut rest = bytes.as_slice();
    let mut said = Vec::new();
    if let Pace::FirstLine(moment) = pace {
        let line = request.first_line().min(rest.len());
        if say(stream, &rest[..line]).await.is_err() {
            return Exchange::Ended;
        }
        rest = &rest[line..];
        match hear(stream, until.min(Instant::now() + moment), &mut said).await {
            Heard::Nothing => {}
            Heard::More if page::read(&said) != Reading::Not => {}
            Heard::More => return Exchange::Other(said),
            Heard::Closed | Heard::Broken => return Exchange::Ended,
        }
    }
    if say(stream, rest).await.is_err() {
        return Exchange::Ended;
    }
    listen(stream, said, first, until).await
}

/// A request is far smaller than any send buffer: this does not wait.
async fn say<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Reads the answer to a question that was asked, of which `bytes` have come.
pub(super) async fn listen<S: AsyncRead + Unpin>(
    stream: &mut S,
    mut bytes: Vec<u8>,
    first: Instant,
    until: Instant,
) -> Exchange {
    let mut best = None;
    loop {
        match page::read(&bytes) {
            Reading::Enough(answer) => return Exchange::Answer(answer),
            Reading::Body(answer) => best = Some(answer),
            Reading::Not => return Exchange::Other(bytes),
            Reading::Head => {}
        }
        let by = if bytes.is_empty() { first } else { until };
        let heard = hear(stream, by, &mut bytes).await;
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
