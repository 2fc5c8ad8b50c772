//! Memory for datagrams, used again and again.

/// What buffers hold: most datagrams fit an Ethernet frame, and none is longer than 65,535 bytes.
const SIZES: [usize; 4] = [256, 2 * 1024, 16 * 1024, 64 * 1024];

/// How much memory is kept for later, of each size.
const SPARE: usize = 2 << 20;

/// Buffers by size. Whoever takes what is given back allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    spare: [Vec<Vec<u8>>; SIZES.len()],
}

impl Pool {
    /// A buffer with these bytes in it.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let class = SIZES.iter().position(|&size| size >= bytes.len());
        let spare = class.and_then(|class| self.spare[class].pop());
        let mut buffer = spare
            .unwrap_or_else(|| Vec::with_capacity(class.map_or(bytes.len(), |class| SIZES[class])));
        buffer.extend_from_slice(bytes);
        buffer
    }

    pub(crate) fn give_back(&mut self, mut buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        if let Some(class) = SIZES.iter().position(|&size| size == capacity)
            && self.spare[class].len() < SPARE / capacity
        {
            buffer.clear();
            self.spare[class].push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_used_again() {
        let mut pool = Pool::default();
        for len in [0, 1, 256, 257, 1_472, 9_000, 65_507] {
            let buffer = pool.copy(&vec![7; len]);
            assert_eq!(buffer, vec![7; len]);
            let memory = buffer.as_ptr();
            pool.give_back(buffer);
            let again = pool.copy(&vec![8; len]);
            assert_eq!((again.as_ptr(), again.len()), (memory, len));
            pool.give_back(again);
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut pool = Pool::default();
        let buffers: Vec<_> = (0..100).map(|_| pool.copy(&[1; 60_000])).collect();
        for buffer in buffers {
            pool.give_back(buffer);
        }
        let kept: usize = pool.spare.iter().flatten().map(Vec::capacity).sum();
        assert_eq!(kept, SPARE);
    }
}
