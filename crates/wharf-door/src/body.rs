//! The bodies of answers: constant, or passed on as they come.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};

use crate::connection::Ticket;

/// An answer's body. Its request is in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct Body {
    source: Source,
    _ticket: Option<Ticket>,
}

#[derive(Debug)]
enum Source {
    Constant(Option<Bytes>),
    Service(Incoming),
}

impl Body {
    pub(crate) fn constant(text: impl Into<Bytes>, ticket: Ticket) -> Self {
        Self {
            source: Source::Constant(Some(text.into())),
            _ticket: Some(ticket),
        }
    }

    /// A body of a service: a frame is taken from it when the client has room, and not before.
    pub(crate) fn of_service(incoming: Incoming, ticket: Ticket) -> Self {
        Self {
            source: Source::Service(incoming),
            _ticket: Some(ticket),
        }
    }

    pub(crate) fn none() -> Self {
        Self {
            source: Source::Constant(None),
            _ticket: None,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.source {
            Source::Constant(text) => Poll::Ready(text.take().map(Frame::data).map(Ok)),
            Source::Service(incoming) => Pin::new(incoming).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Constant(text) => text.is_none(),
            Source::Service(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Constant(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Source::Service(incoming) => incoming.size_hint(),
        }
    }
}
