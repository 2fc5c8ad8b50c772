//! Bodies of HTTP/2, passed on as they come or as a rule lets them.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::desk::Desk;
use crate::pace::{Pace, Step};
use crate::rules::{EndManner, Shape};
use crate::stats::Tally;

/// A reset overtakes the data before it and takes it along (RFC 9113 section 5.4.2 lets it), and hyper has no way of
/// asking whether data has been written. So much later it has, unless the client does not read.
const BEFORE_RESET: Duration = Duration::from_millis(50);

type Failure = Box<dyn Error + Send + Sync>;
type Piece = Result<Frame<Bytes>, Failure>;

/// A body on its way.
#[derive(Debug)]
pub(super) struct Body(Source);

#[derive(Debug)]
enum Source {
    Empty,
    Through(Incoming),
    Own(Option<Bytes>),
    /// A task lets it pass.
    Shaped(mpsc::Receiver<Piece>),
}

/// Ends a body early: the stream is reset.
#[derive(Debug, thiserror::Error)]
#[error("a rule breaks the body off")]
struct BrokenOff;

impl Body {
    pub(super) fn empty() -> Self {
        Self(Source::Empty)
    }

    /// A frame is taken from it when the other side has room, and not before.
    pub(super) fn through(body: Incoming) -> Self {
        Self(Source::Through(body))
    }

    pub(super) fn shaped(body: Incoming, shape: Shape, desk: &Arc<Desk>) -> Self {
        if shape.is_plain() || hyper::body::Body::is_end_stream(&body) {
            return Self::through(body);
        }
        Self::spawn(body, shape, desk)
    }

    pub(super) fn own(text: String, shape: Shape, desk: &Arc<Desk>) -> Self {
        match (text.is_empty(), shape.is_plain()) {
            (true, _) => Self::empty(),
            (false, true) => Self(Source::Own(Some(text.into()))),
            (false, false) => Self::spawn(http_body_util::Full::from(text), shape, desk),
        }
    }

    fn spawn<B>(body: B, shape: Shape, desk: &Arc<Desk>) -> Self
    where
        B: hyper::body::Body<Data = Bytes, Error: Into<Failure> + Send> + Send + Unpin + 'static,
    {
        let (out, pieces) = mpsc::channel(1);
        let desk = Arc::clone(desk);
        tokio::spawn(async move {
            // Whoever does not want it any more drops the receiver.
            tokio::select! {
                _ = let_pass(body, shape, &out, &desk) => {}
                () = out.closed() => {}
            }
        });
        Self(Source::Shaped(pieces))
    }
}

/// The receiver is gone.
struct Unwanted;

impl<T> From<mpsc::error::SendError<T>> for Unwanted {
    fn from(_: mpsc::error::SendError<T>) -> Self {
        Self
    }
}

async fn let_pass<B>(
    mut body: B,
    shape: Shape,
    out: &mpsc::Sender<Piece>,
    desk: &Desk,
) -> Result<(), Unwanted>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<Failure> + Send> + Send + Unpin,
{
    let mut pace = Pace::new(shape);
    while let Some(frame) = body.frame().await {
        let mut data = match frame.map(Frame::into_data) {
            Ok(Ok(data)) => data,
            Ok(Err(trailers)) => {
                out.send(Ok(trailers)).await?;
                continue;
            }
            Err(error) => {
                out.send(Err(error.into())).await?;
                return Ok(());
            }
        };
        while !data.is_empty() {
            match pace.step(data.len()).await {
                Step::Pass(length) => {
                    let mut piece = data.split_to(length.min(data.len()));
                    // The last byte before an end goes alone: it is taken only when the client's window has room for
                    // all before it and for itself.
                    if shape.end.is_some() && piece.len() > 1 {
                        let all_but_one = piece.split_to(piece.len() - 1);
                        out.send(Ok(Frame::data(all_but_one))).await?;
                    }
                    out.send(Ok(Frame::data(piece))).await?;
                }
                Step::End(EndManner::Truncate) => {
                    Tally::one_more(&desk.tally.truncated);
                    // It has been taken when there is room behind it.
                    let room = out.reserve().await.map_err(|_| Unwanted)?;
                    sleep(BEFORE_RESET).await;
                    room.send(Err(BrokenOff.into()));
                    return Ok(());
                }
                Step::End(EndManner::Stall) => {
                    Tally::one_more(&desk.tally.stalled);
                    sleep(desk.limits.stall).await;
                    out.send(Err(BrokenOff.into())).await?;
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        Poll::Ready(match &mut self.0 {
            Source::Empty => None,
            Source::Own(text) => text.take().map(Frame::data).map(Ok),
            Source::Through(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                frame.map(|frame| frame.map_err(Into::into))
            }
            Source::Shaped(pieces) => ready!(pieces.poll_recv(cx)),
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Empty | Source::Own(None) => true,
            Source::Through(body) => body.is_end_stream(),
            Source::Own(Some(_)) | Source::Shaped(_) => false,
        }
    }

    /// Unknown, whatever it is: from a size that is known hyper would make a header that was not there.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
