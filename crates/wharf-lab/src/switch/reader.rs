//! Reading packets into the memory in which they wait.

use super::pool::{Buffer, Pool};
use super::port::{Arrival, Port, Read};

/// What is longer than any packet.
const OVERFLOW: usize = 66 * 1024;

/// Memory for the next packet, whoever it comes from.
pub(crate) struct Reader {
    pool: Pool,
    empty: Option<Buffer>,
    overflow: Box<[u8]>,
}

/// What came of reading.
pub(crate) enum Took {
    /// A packet. One that fits an Ethernet frame was not copied, a longer one once.
    Packet(Buffer, Arrival),
    /// One for which there is no memory: lost, as in a router that has none.
    Lost,
    /// What is no packet.
    Nothing,
    /// Nothing more for now.
    Empty,
    /// Its namespace is gone.
    Gone,
}

impl Reader {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            pool,
            empty: None,
            overflow: vec![0; OVERFLOW].into_boxed_slice(),
        }
    }

    /// The next packet of a port.
    pub(crate) fn read(&mut self, port: &Port) -> Took {
        let Some(mut buffer) = self.empty.take().or_else(|| self.pool.take(Pool::SMALL)) else {
            return match port.read(&mut [], &mut self.overflow) {
                Ok(Read::Packet(_) | Read::Nothing) => Took::Lost,
                Ok(Read::Empty) => Took::Empty,
                Err(_) => Took::Gone,
            };
        };
        buffer.set_len(Pool::SMALL);
        let read = port.read(&mut buffer, &mut self.overflow);
        match read {
            Ok(Read::Packet(arrival)) => match self.whole(buffer, arrival.len) {
                Some(buffer) => Took::Packet(buffer, arrival),
                None => Took::Lost,
            },
            other => {
                self.empty = Some(buffer);
                match other {
                    Ok(Read::Empty) => Took::Empty,
                    Ok(_) => Took::Nothing,
                    Err(_) => Took::Gone,
                }
            }
        }
    }

    /// The packet in one piece: what was too long for the buffer is joined in a longer one.
    fn whole(&mut self, mut buffer: Buffer, len: usize) -> Option<Buffer> {
        let Some(rest) = len.checked_sub(buffer.len()).filter(|rest| *rest > 0) else {
            buffer.set_len(len);
            return Some(buffer);
        };
        let mut joined = self.pool.take(len);
        if let Some(joined) = &mut joined {
            let (head, tail) = joined.split_at_mut(buffer.len());
            head.copy_from_slice(&buffer);
            tail.copy_from_slice(self.overflow.get(..rest)?);
        }
        self.empty = Some(buffer);
        joined
    }
}
