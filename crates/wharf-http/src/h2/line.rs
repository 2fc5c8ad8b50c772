//! The provider's connection of one client connection.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::{OnceCell, watch};
use tokio::task::AbortHandle;

use super::body::Body;
use crate::desk::Desk;
use crate::tls::Speech;

/// How a client's connection has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    None,
    /// The provider's ended in order.
    InOrder,
    /// The provider's broke, could not be had, or a rule wants it so.
    Broken,
}

pub(super) struct Line {
    pub(super) desk: Arc<Desk>,
    trunk: OnceCell<Trunk>,
    ending: watch::Sender<Ending>,
}

struct Trunk {
    send: SendRequest<Body>,
    has_tls: bool,
    connection: AbortHandle,
}

/// The provider cannot be reached.
pub(super) struct Unreachable;

impl Line {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self {
            desk,
            trunk: OnceCell::new(),
            ending: watch::Sender::new(Ending::None),
        }
    }

    pub(super) fn endings(&self) -> watch::Receiver<Ending> {
        self.ending.subscribe()
    }

    /// Ends the client's connection, and with it the one that waits here.
    pub(super) async fn end(&self, ending: Ending) -> Infallible {
        self.ending.send_replace(ending);
        pending().await
    }

    /// The client's connection is over: so is the provider's, in the same manner.
    pub(super) fn close(&self, result: &hyper::Result<()>) {
        if result.is_err() {
            self.break_off();
        }
    }

    /// Resets the provider's connection.
    pub(super) fn break_off(&self) {
        if let Some(trunk) = self.trunk.get() {
            trunk.connection.abort();
        }
    }

    pub(super) fn has_tls(&self) -> bool {
        self.trunk.get().is_some_and(|trunk| trunk.has_tls)
    }

    /// The connection, dialled if it is not there. Those that want it at once wait for the same.
    pub(super) async fn trunk(&self) -> Result<SendRequest<Body>, Unreachable> {
        let trunk = self.trunk.get_or_try_init(|| self.dial()).await?;
        Ok(trunk.send.clone())
    }

    async fn dial(&self) -> Result<Trunk, Unreachable> {
        let has_tls = self.desk.target().has_tls();
        let wire = self.desk.dial(Speech::Http2).await.map_err(|_| Unreachable)?;
        let limits = &self.desk.limits;
        let (send, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(limits.stream_window)
            .initial_connection_window_size(limits.stream_window.saturating_mul(4).min(super::WIDEST_WINDOW))
            .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
            .max_send_buf_size(limits.stream_window as usize)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|_| Unreachable)?;
        let ending = self.ending.clone();
        let connection = tokio::spawn(async move {
            let ended = match connection.await {
                Ok(()) => Ending::InOrder,
                Err(_) => Ending::Broken,
            };
            ending.send_replace(ended);
        });
        Ok(Trunk {
            send,
            has_tls,
            connection: connection.abort_handle(),
        })
    }
}
