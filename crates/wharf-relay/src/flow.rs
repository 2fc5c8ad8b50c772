//! One direction of one connection: its bytes between the two sockets.

use std::io::{self, IoSlice};

use wharf_capture::Direction;
use wharf_link::Packet;
use wharf_link::stream::Segment;

use crate::chain::Chain;
use crate::chunks::Chunks;
use crate::key::Key;
use crate::pipes::{Pipe, Pipes};
use crate::side::{Side, Taken};
use crate::tcp::Tcp;

/// What a machine of a relay carries: lengths, and marks in order with them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parcel {
    pub(crate) connection: Key,
    pub(crate) content: Content,
    /// How many machines it has been in.
    pub(crate) hop: u32,
    /// A queue has marked it (RFC 3168).
    pub(crate) marked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// So many of the connection's bytes.
    Bytes(u32),
    /// A segment of a TCP that may lose it. What can be read then, its stream says.
    Segment(Segment),
    Mark(Mark),
    /// A mark of the handshake, where it may be lost.
    Handshake(Mark),
}

/// What a SYN takes on a link: 20 bytes of IPv4, 20 of TCP and 20 of its options.
const SYN: usize = 60;

impl Content {
    /// So many bytes, which must be no more than a parcel holds.
    pub(crate) fn of_bytes(count: usize) -> Self {
        Self::Bytes(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// How many bytes.
    pub(crate) fn bytes(&self) -> usize {
        match *self {
            Self::Bytes(count) => count as usize,
            Self::Segment(segment) => segment.bytes() as usize,
            Self::Mark(_) => 0,
            Self::Handshake(_) => SYN,
        }
    }
}

/// What travels beside the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Up: a client has connected.
    Syn,
    /// Down: the provider has accepted.
    SynAck,
    /// Up: the client knows it.
    Ack,
    /// No more bytes.
    Fin,
    /// A stage ends the connection, both ways, in good order.
    Close,
    /// The connection is gone.
    Reset,
}

impl Packet for Content {
    fn len(&self) -> usize {
        self.bytes()
    }
}

impl Packet for Parcel {
    fn len(&self) -> usize {
        self.content.bytes()
    }

    fn flow(&self) -> u64 {
        u64::from(self.connection.index)
    }

    fn ecn(&self) -> bool {
        matches!(self.content, Content::Segment(_))
    }
}

/// How far a direction's end has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// The source may have more.
    #[default]
    Open,
    /// The source has sent its last byte.
    Fin,
    /// A stage has ended the connection: nothing more is read.
    Over,
    /// The source is gone, or the sink is: nothing more is read.
    Reset,
}

/// One direction of one connection.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Bytes in memory: first those that may be written, then those still under way.
    pub(crate) bytes: Chunks,
    /// How many of them are under way.
    pub(crate) under_way: usize,
    /// How many of those are past the stages, and not in the machine yet.
    pub(crate) unoffered: usize,
    /// Parcels of this direction in machines.
    pub(crate) parcels: u32,
    /// A mark that a cut, or bytes before it, keep out of the machine.
    pub(crate) held: Option<Mark>,
    /// What the connection passes on its own. The bytes in it are the last of those under way.
    pub(crate) chain: Option<Box<Chain>>,
    /// What TCP makes of a way that loses.
    pub(crate) tcp: Option<Box<Tcp>>,
    pub(crate) end: End,
    /// The end of the stream has come out at the far side.
    pub(crate) fin_arrived: bool,
    /// And the sink has been told.
    pub(crate) fin_done: bool,
    /// A stage's end of the connection has come out.
    pub(crate) closing: bool,
    /// Spliced bytes, which come before all in memory.
    pub(crate) pipe: Option<Pipe>,
    /// Whether much comes at once, so that splicing pays.
    pub(crate) bulk: bool,
    /// How much was ever moved from socket to socket.
    pub(crate) carried: u64,
    /// How much has come since the source was last silent.
    pub(crate) burst: usize,
    /// Whether it is in the round of those who want to enter the machine.
    pub(crate) waiting: bool,
    /// What it may still enter in this round.
    pub(crate) deficit: usize,
}

/// What became of an attempt to write all that may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flushed {
    All,
    /// The sink takes no more now.
    Blocked,
    /// The sink is gone.
    Broken,
}

/// How much makes a burst bulk, and how much is read before it is known.
pub(crate) const BULK: usize = 64 * 1024;

impl Flow {
    /// Writes what may be written. The number of bytes written is added to `written`.
    pub(crate) fn flush(&mut self, sink: &mut Side, pipes: &mut Pipes, written: &mut usize) -> Flushed {
        while let Some(pipe) = self.pipe.as_mut().filter(|pipe| !pipe.is_empty()) {
            match pipe.empty(&sink.stream) {
                Ok(count) => {
                    sink.passed(Direction::Down, count);
                    *written += count;
                }
                Err(error) => return unable(&error),
            }
        }
        // Not kept while the source is silent, however short the silence.
        if let Some(pipe) = self.pipe.take() {
            pipes.give_back(pipe);
        }
        loop {
            let ready = self.bytes.len() - self.under_way;
            if ready == 0 {
                return Flushed::All;
            }
            if ready >= BULK {
                sink.prepare_for_bulk();
            }
            let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(8);
            self.bytes.front(ready, &mut slices);
            match sink.write(&slices) {
                Ok(0) => return Flushed::Blocked,
                Ok(count) => {
                    self.bytes.consume(count);
                    *written += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return unable(&error),
            }
        }
    }

    /// Moves bytes from one socket to the other. The caller has flushed before.
    pub(crate) fn carry(
        &mut self,
        source: &mut Side,
        sink: &mut Side,
        scratch: &mut [u8],
        pipes: &mut Pipes,
        written: &mut usize,
    ) -> Taken {
        let unseen = source.skip(Direction::Up).min(sink.skip(Direction::Down));
        let taken = match self.pipe_for_bulk(source, pipes, unseen) {
            Some(mut pipe) => {
                sink.prepare_for_bulk();
                let result = pipe.fill(&source.stream, unseen);
                if let Ok(count) = result {
                    source.passed(Direction::Up, count);
                }
                // In its place before all else: what is in it must not be lost.
                self.pipe = Some(pipe);
                source.took(result, usize::MAX)
            }
            None => self.copy(source, sink, scratch, written),
        };
        match taken {
            Taken::Bytes(count) => {
                self.carried += count as u64;
                self.burst += count;
                self.bulk |= self.burst >= BULK;
            }
            _ => {
                self.bulk = self.burst >= BULK;
                self.burst = 0;
            }
        }
        taken
    }

    fn pipe_for_bulk(&mut self, source: &Side, pipes: &mut Pipes, unseen: usize) -> Option<Pipe> {
        if !self.bulk || unseen < BULK || source.is_drained() {
            return None;
        }
        self.pipe.take().or_else(|| pipes.take())
    }

    /// Reads into memory and writes at once.
    fn copy(&mut self, source: &mut Side, sink: &mut Side, scratch: &mut [u8], written: &mut usize) -> Taken {
        let most = if self.bulk { scratch.len() } else { BULK };
        let taken = source.read(&mut scratch[..most]);
        if let Taken::Bytes(count) = taken {
            // Whatever keeps it from being written, the flush that follows meets it again.
            let sent = sink.write(&[IoSlice::new(&scratch[..count])]).unwrap_or(0);
            *written += sent;
            if sent < count {
                self.bytes.push(&scratch[sent..count]);
            }
            if !source.readable {
                self.burst = 0;
                self.bulk = false;
            }
        }
        taken
    }

    /// Reads into memory, at most so much. What comes is under way then.
    pub(crate) fn take_in(&mut self, source: &mut Side, most: usize, scratch: &mut [u8]) -> Taken {
        // Where the last read was a full one, this one will be, and needs no copy of its own.
        let taken = if self.bulk {
            let mut chunk = Vec::with_capacity(most);
            let taken = source.read_into(&mut chunk);
            self.bytes.append(chunk);
            taken
        } else {
            let most = most.min(scratch.len());
            let taken = source.read(&mut scratch[..most]);
            if let Taken::Bytes(count) = taken {
                self.bytes.push(&scratch[..count]);
            }
            taken
        };
        let count = match taken {
            Taken::Bytes(count) => count,
            _ => 0,
        };
        self.under_way += count;
        self.bulk = count >= BULK;
        taken
    }

    /// Forgets all bytes: nobody will take them.
    pub(crate) fn discard(&mut self, pipes: &mut Pipes) {
        self.bytes.clear();
        self.under_way = 0;
        self.unoffered = 0;
        if let Some(pipe) = self.pipe.take() {
            pipes.give_back(pipe);
        }
    }

    /// Whether nothing of it is in a machine, or waits to go there. Stages do not count.
    pub(crate) fn is_out_of_machine(&self) -> bool {
        self.parcels == 0 && self.unoffered == 0 && self.held.is_none() && self.tcp.is_none()
    }

    /// Whether all there is to do is to move bytes from socket to socket.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_out_of_machine()
            && self.chain.is_none()
            && !(self.waiting || self.closing)
            && matches!(self.end, End::Open | End::Fin)
    }

    /// Takes out bytes that a stage has swallowed, which had so many behind them.
    pub(crate) fn swallow(&mut self, count: usize, behind: usize) {
        let start = self.bytes.len().saturating_sub(behind + count);
        self.bytes.remove(start, count);
        self.under_way = self.under_way.saturating_sub(count);
    }
}

fn unable(error: &io::Error) -> Flushed {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Flushed::Blocked,
        _ => Flushed::Broken,
    }
}
