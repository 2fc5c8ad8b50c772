//! One direction of a connection as those see it who move its bytes: from where, to where.

use crate::connection::{Connection, UP};
use crate::flow::{End, Flow, Flushed};
use crate::pipes::Pipes;
use crate::side::{Side, Taken};

/// How many bytes one direction moves before others have their turn.
pub(crate) const TURN: usize = 1 << 18;

/// The buffer for reads. One for all connections of a thread, which reads from one socket at a time.
pub(crate) const SCRATCH: usize = 256 * 1024;

/// A direction of a connection that has both its ends.
#[derive(Debug)]
pub(crate) struct Way<'a> {
    pub(crate) source: &'a mut Side,
    pub(crate) sink: &'a mut Side,
    pub(crate) flow: &'a mut Flow,
    /// The way back.
    other: &'a mut Flow,
}

/// What has come of an attempt to move bytes from socket to socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    /// So many were taken. There may be more.
    Bytes(usize),
    /// The source is gone. What it has sent is handed over, as far as it goes at once, and the
    /// connection is reset.
    Reset,
}

impl Connection {
    pub(crate) fn way(&mut self, direction: usize) -> Option<Way<'_>> {
        let ([Some(client), Some(provider)], [up, down]) = (&mut self.sides, &mut self.flows) else {
            return None;
        };
        Some(match direction {
            UP => Way {
                source: client,
                sink: provider,
                flow: up,
                other: down,
            },
            _ => Way {
                source: provider,
                sink: client,
                flow: down,
                other: up,
            },
        })
    }
}

impl Way<'_> {
    /// Writes what may be written, and tells the sink of the end if that is next. How many bytes were
    /// written is added to `written`.
    pub(crate) fn flush(&mut self, pipes: &mut Pipes, written: &mut usize) -> Flushed {
        let Self {
            sink, flow, other, ..
        } = self;
        let flushed = flow.flush(sink, pipes, written);
        if flushed == Flushed::Broken {
            sink.broken = true;
            sink.readable = true;
            flow.end = End::Reset;
            flow.discard(pipes);
            return flushed;
        }
        let through = flushed == Flushed::All && flow.under_way == 0;
        if flow.fin_arrived && !flow.fin_done && through {
            flow.fin_done = true;
            if other.fin_done {
                sink.finish_by_closing();
            } else {
                sink.finish();
            }
        }
        flushed
    }

    /// Whether both directions have come to their ends.
    pub(crate) fn is_over(&self) -> bool {
        self.flow.fin_done && self.other.fin_done
    }

    /// Moves bytes from socket to socket, after a flush.
    pub(crate) fn carry(&mut self, scratch: &mut [u8], pipes: &mut Pipes, written: &mut usize) -> Carried {
        let Self {
            source, sink, flow, ..
        } = self;
        match flow.carry(source, sink, scratch, pipes, written) {
            Taken::Bytes(count) => Carried::Bytes(count),
            // Round again, to give the pipe back.
            Taken::Nothing => Carried::Bytes(0),
            Taken::Fin => {
                flow.end = End::Fin;
                flow.fin_arrived = true;
                Carried::Bytes(0)
            }
            Taken::Reset => {
                flow.end = End::Reset;
                Carried::Reset
            }
        }
    }
}
