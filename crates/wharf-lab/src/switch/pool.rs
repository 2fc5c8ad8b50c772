//! Memory for packets: used again and again, and never more than was allowed.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// What buffers hold: a packet of an Ethernet, or the longest that IP has.
const SIZES: [usize; 2] = [2 * 1024, 64 * 1024];

/// How much memory is kept for later, of each size.
const SPARE: usize = 16 << 20;

/// Where a lane takes its memory from.
#[derive(Debug, Clone)]
pub(crate) struct Pool(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    spare: [RefCell<Vec<Box<[u8]>>>; SIZES.len()],
    out: Cell<usize>,
    limit: usize,
}

impl Pool {
    /// The longest packet for which no large buffer is needed.
    pub(crate) const SMALL: usize = SIZES[0];

    /// One that may have so many bytes out at a time.
    pub(crate) fn new(limit: usize) -> Self {
        Self(Rc::new(Inner {
            spare: [const { RefCell::new(Vec::new()) }; SIZES.len()],
            out: Cell::new(0),
            limit,
        }))
    }

    /// A buffer with room for so many bytes. `None`: there is none so long, or all is out.
    pub(crate) fn take(&self, len: usize) -> Option<Buffer> {
        let class = SIZES.iter().position(|&size| size >= len)?;
        let size = SIZES[class];
        let out = self.0.out.get() + size;
        if out > self.0.limit {
            return None;
        }
        self.0.out.set(out);
        let spare = self.0.spare[class].borrow_mut().pop();
        Some(Buffer {
            memory: spare.unwrap_or_else(|| vec![0; size].into_boxed_slice()),
            len,
            class,
            pool: self.clone(),
        })
    }
}

/// A packet's bytes. Whoever drops it gives the memory back.
pub(crate) struct Buffer {
    memory: Box<[u8]>,
    len: usize,
    class: usize,
    pool: Pool,
}

impl Buffer {
    /// Makes it shorter, or longer within its room.
    pub(crate) fn set_len(&mut self, len: usize) {
        self.len = len.min(self.memory.len());
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let size = SIZES[self.class];
        let inner = &*self.pool.0;
        inner.out.set(inner.out.get() - size);
        let mut spare = inner.spare[self.class].borrow_mut();
        if spare.len() < SPARE / size {
            spare.push(std::mem::take(&mut self.memory));
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.len]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_used_again() {
        let pool = Pool::new(usize::MAX);
        for len in [0, 1, 2048, 2049, 65_536] {
            let mut buffer = pool.take(len).expect("memory");
            buffer.fill(7);
            assert_eq!(buffer.len(), len);
            let memory = buffer.memory.as_ptr();
            drop(buffer);
            let again = pool.take(len).expect("memory");
            assert_eq!((again.memory.as_ptr(), again.len()), (memory, len));
        }
        assert_eq!(pool.0.out.get(), 0);
        assert!(pool.take(65_537).is_none());
    }

    #[test]
    fn what_is_out_and_what_is_kept_are_bounded() {
        let pool = Pool::new(1024 * 65_536);
        let buffers: Vec<_> = (0..1024).map(|_| pool.take(3000).expect("memory")).collect();
        assert!(pool.take(1).is_none(), "all is out");
        drop(buffers);
        assert_eq!(pool.0.spare[1].borrow().len() * 65_536, SPARE);
        assert!(pool.take(1).is_some());
    }
}
