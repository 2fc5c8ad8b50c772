//! Pipes to splice through, held only while bytes are in them.

pub(crate) use platform::{Pipe, Pipes};

#[cfg(target_os = "linux")]
mod platform {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

    /// What a pipe should hold. More than the kernel's default of 64 KiB, since each splice is two
    /// system calls; less than the most it allows, since what is in the pipe falls out of the cache.
    const CAPACITY: usize = 512 * 1024;

    /// How many empty pipes are kept for the next one who needs one.
    const SPARE: usize = 16;

    /// How many may exist at once. Whoever gets none copies: a crowd of stalled readers must not eat
    /// all descriptors.
    const MOST: usize = 256;

    #[derive(Debug)]
    pub(crate) struct Pipe {
        read: OwnedFd,
        write: OwnedFd,
        len: usize,
    }

    impl Pipe {
        pub(crate) fn is_empty(&self) -> bool {
            self.len == 0
        }

        /// Moves what `source` has into the pipe, at most so much. `Ok(0)` is the end of the stream.
        pub(crate) fn fill(&mut self, source: impl AsFd, most: usize) -> io::Result<usize> {
            let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
            let count = splice(source, None, &self.write, None, most.min(CAPACITY), flags)?;
            self.len += count;
            Ok(count)
        }

        /// Moves what is in the pipe to `sink`.
        pub(crate) fn empty(&mut self, sink: impl AsFd) -> io::Result<usize> {
            let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
            let count = splice(&self.read, None, sink, None, self.len, flags)?;
            self.len -= count;
            Ok(count)
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Pipes {
        spare: Vec<Pipe>,
        /// How many are in use.
        lent: usize,
    }

    impl Pipes {
        pub(crate) fn take(&mut self) -> Option<Pipe> {
            if self.lent >= MOST {
                return None;
            }
            let pipe = match self.spare.pop() {
                Some(pipe) => pipe,
                None => {
                    let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
                    // Above the user's share of pipe memory (pipe-user-pages-soft) this is refused,
                    // and the default serves too.
                    let _ = fcntl_setpipe_size(&write, CAPACITY);
                    Pipe { read, write, len: 0 }
                }
            };
            self.lent += 1;
            Some(pipe)
        }

        /// So many that are lent are another thread's from now on.
        pub(crate) fn part_with(&mut self, count: usize) {
            self.lent = self.lent.saturating_sub(count);
        }

        /// So many come from another thread.
        pub(crate) fn adopt(&mut self, count: usize) {
            self.lent += count;
        }

        /// Takes a pipe back. One with bytes in it is closed.
        pub(crate) fn give_back(&mut self, pipe: Pipe) {
            self.lent = self.lent.saturating_sub(1);
            if pipe.is_empty() && self.spare.len() < SPARE {
                self.spare.push(pipe);
            }
        }
    }
}

/// Elsewhere there is no splice: everything is copied once.
#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;

    #[derive(Debug)]
    pub(crate) enum Pipe {}

    impl Pipe {
        pub(crate) fn is_empty(&self) -> bool {
            match *self {}
        }

        pub(crate) fn fill<T>(&mut self, _: T, _: usize) -> io::Result<usize> {
            match *self {}
        }

        pub(crate) fn empty<T>(&mut self, _: T) -> io::Result<usize> {
            match *self {}
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Pipes;

    impl Pipes {
        pub(crate) fn take(&mut self) -> Option<Pipe> {
            None
        }

        pub(crate) fn part_with(&mut self, _: usize) {}

        pub(crate) fn adopt(&mut self, _: usize) {}

        pub(crate) fn give_back(&mut self, pipe: Pipe) {
            match pipe {}
        }
    }
}
