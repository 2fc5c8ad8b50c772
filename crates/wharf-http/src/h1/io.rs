//! Reading and writing with bounded buffers.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::wire::Wire;

/// What is read or written at once.
pub(crate) const BUFFER: usize = 64 * 1024;

/// What is read of a connection that says little.
const FIRST: usize = 8 * 1024;

/// Room that is worth reading into.
const LEAST: usize = 1024;

/// The reading half of a wire, and what was read of it and not used yet.
#[derive(Debug)]
pub(super) struct Reader {
    half: ReadHalf<Wire>,
    pub(super) buffer: BytesMut,
    /// How much room to make: more for those who filled what they had.
    step: usize,
}

impl Reader {
    pub(super) fn new(half: ReadHalf<Wire>) -> Self {
        Self {
            half,
            buffer: BytesMut::new(),
            step: FIRST,
        }
    }

    /// Reads some more. `0`: the other side has ended. May be dropped and called again: nothing is lost.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        if self.buffer.capacity() - self.buffer.len() < LEAST {
            self.buffer.reserve(self.step);
        }
        let room = self.buffer.capacity() - self.buffer.len();
        let length = self.half.read_buf(&mut self.buffer).await?;
        self.step = if length == room { BUFFER } else { FIRST };
        Ok(length)
    }
}

/// The writing half of a wire, which collects small pieces.
#[derive(Debug)]
pub(super) struct Writer {
    half: WriteHalf<Wire>,
    out: BytesMut,
}

impl Writer {
    pub(super) fn new(half: WriteHalf<Wire>) -> Self {
        Self {
            half,
            out: BytesMut::new(),
        }
    }

    /// Writes, at the latest at the next [`flush`](Self::flush).
    pub(super) async fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.out.len() + bytes.len() > FIRST {
            self.flush().await?;
        }
        if bytes.len() > FIRST {
            return self.half.write_all(bytes).await;
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.half.write_all_buf(&mut self.out).await?;
        }
        // For TLS, which has a buffer of its own.
        self.half.flush().await
    }

    /// Ends this direction, in order.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.half.shutdown().await
    }
}
