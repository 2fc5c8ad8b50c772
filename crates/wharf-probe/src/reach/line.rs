//! A connection that counts: what it reads comes out of its listener's allowance.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// Bytes that may still be read from a listener, over all its connections.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    pub(super) fn of(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    fn left(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) {
        // One thread reads: nothing comes between.
        self.0.store(self.left().saturating_sub(bytes), Ordering::Relaxed);
    }
}

/// A connection to a listener.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    allowance: Allowance,
}

impl Line {
    /// Connects until then.
    pub(super) async fn open(address: SocketAddr, until: Instant, allowance: &Allowance) -> io::Result<Self> {
        let stream = timeout_at(until, TcpStream::connect(address))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        // A connection to a closed port of the ephemeral range can meet itself: the kernel chose that
        // very port for this end (RFC 9293, simultaneous open). Nothing listens there.
        if stream.local_addr()? == address {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        // What was reset by now cannot be told so; the next read says it.
        let _ = stream.set_nodelay(true);
        Ok(Self {
            stream,
            allowance: allowance.clone(),
        })
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.allowance.left();
        if left == 0 {
            return Poll::Ready(Err(io::Error::other("it said more than is read of a listener")));
        }
        let room = into.initialize_unfilled();
        let most = room.len().min(left);
        let mut part = ReadBuf::new(&mut room[..most]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
        let count = part.filled().len();
        into.advance(count);
        self.allowance.take(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What came of reading once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// More bytes.
    More,
    /// Nothing until then.
    Nothing,
    /// The end.
    Closed,
    /// A reset, or another error.
    Broken,
}

/// Room for one read.
const PART: usize = 4096;

/// Reads once, until then at the latest.
pub(super) async fn hear<S: AsyncRead + Unpin>(stream: &mut S, until: Instant, into: &mut Vec<u8>) -> Heard {
    into.reserve(PART);
    match timeout_at(until, stream.read_buf(into)).await {
        Err(_) => Heard::Nothing,
        Ok(Ok(0)) => Heard::Closed,
        Ok(Ok(_)) => Heard::More,
        Ok(Err(_)) => Heard::Broken,
    }
}

/// How long a listener is given to close after us.
const PARTING: Duration = Duration::from_millis(15);

/// Says `farewell`, closes our direction, and takes what is still coming, for a moment: a socket that
/// is closed with bytes unread sends a reset (RFC 2525, 2.17), which servers log.
pub(super) async fn leave<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, farewell: &[u8], until: Instant) {
    let until = until.min(Instant::now() + PARTING);
    let parting = async {
        stream.write_all(farewell).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // Whether it went well changes nothing that is reported.
    let _ = timeout_at(until, parting).await;
}
