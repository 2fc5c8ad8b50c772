//! The bytes of one direction of a connection that are in memory.

use std::collections::VecDeque;
use std::io::IoSlice;

/// A queue of bytes that costs nothing while it is empty.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first chunk has gone.
    gone: usize,
    len: usize,
}

/// Small reads share a chunk of this size.
const CHUNK: usize = 16 * 1024;

impl Chunks {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.len += bytes.len();
        if let Some(last) = self.chunks.back_mut()
            && last.capacity() - last.len() >= bytes.len()
        {
            last.extend_from_slice(bytes);
            return;
        }
        // The first chunk fits its bytes, since most messages travel alone.
        let capacity = if self.chunks.is_empty() {
            bytes.len()
        } else {
            bytes.len().max(CHUNK)
        };
        let mut chunk = Vec::with_capacity(capacity);
        chunk.extend_from_slice(bytes);
        self.chunks.push_back(chunk);
    }

    /// Takes over a chunk that has been filled, as far as it has.
    pub(crate) fn append(&mut self, mut chunk: Vec<u8>) {
        if chunk.is_empty() {
            return;
        }
        if chunk.len() < chunk.capacity() / 2 {
            chunk.shrink_to_fit();
        }
        self.len += chunk.len();
        self.chunks.push_back(chunk);
    }

    /// The first bytes, at most `limit` of them, as slices for a vectored write.
    pub(crate) fn front<'a>(&'a self, limit: usize, slices: &mut Vec<IoSlice<'a>>) {
        /// As many as the kernel copies onto its stack (`UIO_FASTIOV` is 8).
        const SLICES: usize = 8;
        let mut left = limit.min(self.len);
        let mut skip = self.gone;
        for chunk in self.chunks.iter().take(SLICES) {
            let bytes = &chunk[skip..];
            let bytes = &bytes[..bytes.len().min(left)];
            skip = 0;
            left -= bytes.len();
            if bytes.is_empty() {
                return;
            }
            slices.push(IoSlice::new(bytes));
        }
    }

    /// Forgets the first `count` bytes.
    pub(crate) fn consume(&mut self, mut count: usize) {
        count = count.min(self.len);
        self.len -= count;
        while let Some(first) = self.chunks.front() {
            let left = first.len() - self.gone;
            if count < left {
                self.gone += count;
                return;
            }
            count -= left;
            self.gone = 0;
            self.chunks.pop_front();
        }
        // Gives the queue's own memory back as well.
        self.chunks = VecDeque::new();
    }

    /// Takes `count` bytes out of the middle, from `start` on.
    pub(crate) fn remove(&mut self, start: usize, count: usize) {
        let start = start.min(self.len);
        let mut left = count.min(self.len - start);
        self.len -= left;
        // Positions within chunks count what has gone of the first.
        let mut before = start + self.gone;
        for chunk in &mut self.chunks {
            let from = before.min(chunk.len());
            let to = (from + left).min(chunk.len());
            before -= from;
            left -= to - from;
            chunk.drain(from..to);
            if left == 0 {
                break;
            }
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
        if self.len == 0 {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(chunks: &Chunks, limit: usize) -> Vec<u8> {
        let mut slices = Vec::new();
        chunks.front(limit, &mut slices);
        slices.iter().flat_map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn bytes_come_out_in_order_and_memory_is_given_back() {
        let mut chunks = Chunks::default();
        chunks.push(b"hello ");
        chunks.push(b"wor");
        chunks.push(b"ld");
        assert_eq!(chunks.len(), 11);
        assert_eq!(front(&chunks, 8), b"hello wo");
        chunks.consume(8);
        assert_eq!(front(&chunks, 100), b"rld");
        chunks.consume(3);
        assert_eq!((chunks.len(), chunks.chunks.capacity()), (0, 0));
        assert_eq!(front(&chunks, 100), b"");
    }

    #[test]
    fn bytes_can_be_taken_out_of_the_middle() {
        let all: Vec<u8> = (0..60_000u32).map(|number| number as u8).collect();
        for (gone, start, count) in [
            (0, 0, 10),
            (5, 0, 3),
            (7, 20_000, 30_000),
            (1, 59_000, 5_000),
            (3, 0, 60_000),
        ] {
            let mut chunks = Chunks::default();
            for part in all.chunks(7_001) {
                chunks.push(part);
            }
            chunks.consume(gone);
            chunks.remove(start, count);
            let mut wanted = all[gone..].to_vec();
            let end = (start + count).min(wanted.len());
            wanted.drain(start..end);
            assert_eq!(chunks.len(), wanted.len());
            let mut got = Vec::new();
            while chunks.len() > 0 {
                let part = front(&chunks, 9_000);
                chunks.consume(part.len());
                got.extend(part);
            }
            assert!(got == wanted, "{gone} {start} {count}");
        }
    }
}
