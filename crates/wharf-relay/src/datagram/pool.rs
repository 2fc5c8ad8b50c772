//! Memory for datagrams, used again and again, and never more than was allowed.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// What buffers hold: most datagrams fit an Ethernet frame, and none is longer than 65,535 bytes.
const SIZES: [usize; 4] = [256, 2 * 1024, 16 * 1024, 64 * 1024];

/// How much memory is kept for later, of each size.
const SPARE: usize = 2 << 20;

/// What has been given back, by size.
type Spare = [Vec<Vec<u8>>; SIZES.len()];

/// Where links take their memory from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    spare: Rc<RefCell<Spare>>,
}

impl Pool {
    /// An account that may have so many bytes out at a time.
    pub(crate) fn account(&self, limit: usize) -> Account {
        let out = Rc::new(Cell::new(0));
        let pool = self.clone();
        Account { pool, out, limit }
    }
}

/// One link's share of the memory.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pool: Pool,
    out: Rc<Cell<usize>>,
    limit: usize,
}

impl Account {
    /// A buffer with these bytes in it. `None`: the link has all it may have.
    pub(crate) fn copy(&self, bytes: &[u8]) -> Option<Buffer> {
        let class = SIZES.iter().position(|&size| size >= bytes.len())?;
        let size = SIZES[class];
        let out = self.out.get().saturating_add(size);
        if out > self.limit {
            return None;
        }
        self.out.set(out);
        let spare = self.pool.spare.borrow_mut()[class].pop();
        let mut memory = spare.unwrap_or_else(|| Vec::with_capacity(size));
        memory.extend_from_slice(bytes);
        Some(Buffer {
            bytes: memory,
            class,
            account: self.clone(),
        })
    }
}

/// A datagram's bytes. Whoever drops it gives the memory back.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    class: usize,
    account: Account,
}

impl Buffer {
    /// The same bytes once more. `None`: the link has all it may have.
    pub(crate) fn copy(&self) -> Option<Self> {
        self.account.copy(&self.bytes)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let size = SIZES[self.class];
        let Account { pool, out, .. } = &self.account;
        out.set(out.get().saturating_sub(size));
        let spare = &mut pool.spare.borrow_mut()[self.class];
        if spare.len() < SPARE / size {
            self.bytes.clear();
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_used_again() {
        let account = Pool::default().account(usize::MAX);
        for len in [0, 1, 256, 257, 1_472, 9_000, 65_507] {
            let buffer = account.copy(&vec![7; len]).expect("memory");
            assert_eq!(*buffer, vec![7; len]);
            let memory = buffer.as_ptr();
            drop(buffer);
            let again = account.copy(&vec![8; len]).expect("memory");
            assert_eq!((again.as_ptr(), again.len()), (memory, len));
        }
        assert_eq!(account.out.get(), 0);
    }

    #[test]
    fn what_is_out_and_what_is_kept_are_bounded() {
        let pool = Pool::default();
        let account = pool.account(100 * 65_536);
        let buffers: Vec<_> = (0..100)
            .map(|_| account.copy(&[1; 60_000]).expect("memory"))
            .collect();
        assert!(account.copy(&[1]).is_none(), "all is out");
        assert!(pool.account(256).copy(&[1]).is_some(), "another link's is not");
        drop(buffers);
        let kept: usize = pool.spare.borrow().iter().flatten().map(Vec::capacity).sum();
        assert_eq!(kept, SPARE + 256);
        assert!(account.copy(&[1]).is_some());
    }
}
