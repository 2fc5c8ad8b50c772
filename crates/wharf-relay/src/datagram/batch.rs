//! Datagrams as they come from the kernel, many at a time.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::time::Duration;

use quinn_udp::{BATCH_SIZE, EcnCodepoint, RecvMeta};

/// Room for one message: the longest datagram, or a train of shorter ones (GRO). An odd number of
/// cache lines, so that the beginnings of messages don't share a set of the cache.
const SLOT: usize = 64 * 1025;

/// Room for what one call receives. Used for all sockets, since the thread reads one at a time.
pub(crate) struct Batch {
    space: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
}

/// Datagrams of one length (the last may be shorter) from one sender, or a single one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) ecn: Option<EcnCodepoint>,
    /// When the kernel got it, by the clock on the wall.
    pub(crate) stamp: Option<Duration>,
    bytes: &'a [u8],
    segment: usize,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            space: vec![0; SLOT * BATCH_SIZE],
            metas: [RecvMeta::default(); BATCH_SIZE],
        }
    }

    /// How many messages one call receives at most.
    pub(crate) const SIZE: usize = BATCH_SIZE;

    pub(crate) fn fill(
        &mut self,
        receive: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut slots = self.space.chunks_exact_mut(SLOT);
        let mut slices: [_; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(slots.next().unwrap_or_default()));
        receive(&mut slices, &mut self.metas)
    }

    pub(crate) fn message(&self, index: usize) -> Option<Message<'_>> {
        let meta = self.metas.get(index)?;
        let slot = self.space.chunks_exact(SLOT).nth(index)?;
        Some(Message {
            from: meta.addr,
            ecn: meta.ecn,
            stamp: meta.timestamp,
            bytes: slot.get(..meta.len)?,
            segment: meta.stride,
        })
    }
}

impl<'a> Message<'a> {
    /// Its datagrams. An empty one is one too.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let empty: Option<&[u8]> = self.bytes.is_empty().then_some(&[]);
        empty.into_iter().chain(self.bytes.chunks(self.segment.max(1)))
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}
