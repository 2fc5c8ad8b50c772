//! One end of a connection: its socket, and who looks at what passes there.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use mio::event::Event;
use mio::net::TcpStream;
use rustix::buffer::spare_capacity;
use rustix::net::RecvFlags;
use wharf_capture::Direction;
use wharf_capture::observe::End;

use crate::socket;
use crate::tap::Tap;

/// What became of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Bytes(usize),
    Nothing,
    Fin,
    Reset,
}

/// One end of a connection: a socket and what is known of it.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) stream: TcpStream,
    /// There may be something to read.
    pub(crate) readable: bool,
    /// The peer has finished: read on until the end is seen.
    pub(crate) closed: bool,
    /// The peer has reset, or a write has failed.
    pub(crate) broken: bool,
    /// All that has come has been read, and nothing more will come: the next read finds the end.
    drained: bool,
    /// Whether it has been prepared to be sent much.
    prepared: bool,
    /// At the consumer's end, and only if somebody looks.
    pub(crate) tap: Option<Box<Tap>>,
}

impl Side {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            readable: false,
            closed: false,
            broken: false,
            drained: false,
            prepared: false,
            tap: None,
        }
    }

    /// Takes notice of an event of its socket.
    pub(crate) fn note(&mut self, event: &Event) {
        self.closed |= event.is_read_closed();
        self.broken |= event.is_error();
        self.readable |= event.is_readable() || self.closed || self.broken;
    }

    /// Reads once.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Taken {
        if self.drained {
            return self.took(Ok(0), buffer.len());
        }
        let result = self.stream.read(buffer);
        if let (Some(tap), &Ok(count)) = (&mut self.tap, &result) {
            tap.saw(Direction::Up, &buffer[..count]);
        }
        self.took(result, buffer.len())
    }

    /// Reads once, into the room that `chunk` has, which has none of its own before.
    pub(crate) fn read_into(&mut self, chunk: &mut Vec<u8>) -> Taken {
        let most = chunk.capacity();
        if self.drained {
            return self.took(Ok(0), most);
        }
        let result = self.stream.try_io(|| {
            rustix::net::recv(&self.stream, spare_capacity(chunk), RecvFlags::empty())
                .map(|(_, count)| count)
                .map_err(io::Error::from)
        });
        if let Some(tap) = &mut self.tap {
            tap.saw(Direction::Up, chunk);
        }
        self.took(result, most)
    }

    /// Whether the next read finds the end.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained
    }

    /// Writes once.
    pub(crate) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = match slices {
            // send() is cheaper than writev().
            [one] => self.stream.write(one)?,
            _ => self.stream.write_vectored(slices)?,
        };
        if let Some(tap) = &mut self.tap {
            let mut left = count;
            for slice in slices {
                let part = &slice[..slice.len().min(left)];
                tap.saw(Direction::Down, part);
                left -= part.len();
            }
        }
        Ok(count)
    }

    /// Before much is written.
    pub(crate) fn prepare_for_bulk(&mut self) {
        if !self.prepared {
            self.prepared = true;
            socket::prepare_for_bulk(&self.stream);
        }
    }

    /// How many of the next bytes nobody needs to see.
    pub(crate) fn skip(&self, direction: Direction) -> usize {
        self.tap.as_ref().map_or(usize::MAX, |tap| tap.skip(direction))
    }

    pub(crate) fn passed(&mut self, direction: Direction, count: usize) {
        if let Some(tap) = &mut self.tap {
            tap.passed(direction, count);
        }
    }

    /// Tells the peer that nothing more comes.
    pub(crate) fn finish(&mut self) {
        // It fails only where the peer is gone, which its own direction tells.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.finish_by_closing();
    }

    /// The same where the socket is closed next, which tells the peer as much.
    pub(crate) fn finish_by_closing(&mut self) {
        if let Some(tap) = &mut self.tap {
            tap.ended(Direction::Down, End::Finished);
        }
    }

    /// Closes with a reset.
    pub(crate) fn abort(mut self) {
        if let Some(mut tap) = self.tap.take() {
            tap.ended(Direction::Down, End::Reset);
        }
        socket::abort(self.stream);
    }

    pub(crate) fn took(&mut self, result: io::Result<usize>, most: usize) -> Taken {
        let taken = self.judge(result, most);
        if let Some(tap) = &mut self.tap {
            match taken {
                Taken::Fin => tap.ended(Direction::Up, End::Finished),
                Taken::Reset => tap.ended(Direction::Up, End::Reset),
                Taken::Bytes(_) | Taken::Nothing => {}
            }
        }
        taken
    }

    fn judge(&mut self, result: io::Result<usize>, most: usize) -> Taken {
        match result {
            Ok(0) if self.broken => Taken::Reset,
            Ok(0) => Taken::Fin,
            Ok(count) => {
                // A short read leaves nothing behind, epoll(7) says, and spares a read that fails, or
                // one that finds the end, where the end had come before.
                if count < most && most != usize::MAX && !self.broken {
                    self.readable = self.closed;
                    self.drained = self.closed;
                }
                Taken::Bytes(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Taken::Nothing
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Taken::Bytes(0),
            Err(_) => {
                self.broken = true;
                Taken::Reset
            }
        }
    }
}
