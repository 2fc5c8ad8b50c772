//! What comes into a lane: packets out of a device, in pieces where each has a fate of its own.

use std::time::Duration;

use wharf_packet::{Gso, Segments, VnetHeader};

use super::{BATCH, Lane};
use crate::switch::parcel::Parcel;
use crate::switch::pool::{Buffer, Pool};
use crate::switch::port::{Arrival, Read};
use crate::switch::stage::Offload;
use crate::switch::tap::{End, When};

impl Lane {
    /// Reads a batch. Whether there may be more.
    pub(super) fn read(&mut self) -> bool {
        let enough = self.taken_in() + BATCH as u64;
        for _ in 0..BATCH {
            if self.taken_in() >= enough {
                break;
            }
            let mut buffer = self.empty.take().or_else(|| self.pool.take(Pool::SMALL));
            let room = match &mut buffer {
                Some(buffer) => {
                    buffer.set_len(Pool::SMALL);
                    &mut **buffer
                }
                None => &mut [],
            };
            match (self.source.read(room, &mut self.overflow), buffer) {
                (Ok(Read::Packet(arrival)), Some(buffer)) => self.take_in(buffer, arrival),
                // It has no place. It is lost, as in a router without memory.
                (Ok(Read::Packet(arrival)), None) => {
                    self.figures.out_of_memory += 1;
                    if let (Some(watch), Some(bytes)) = (&self.watch, self.overflow.get(..arrival.len)) {
                        watch.ends(0, When::Now, &arrival.header, bytes, End::Memory);
                    }
                }
                (Ok(Read::Nothing), buffer) => {
                    self.figures.malformed += 1;
                    self.empty = buffer;
                }
                (Ok(Read::Empty), buffer) => {
                    self.empty = buffer;
                    return false;
                }
                // Its namespace is gone.
                (Err(_), _) => {
                    self.has_source = false;
                    return false;
                }
            }
        }
        true
    }

    fn take_in(&mut self, buffer: Buffer, arrival: Arrival) {
        let now = self.now();
        self.figures.read += 1;
        self.figures.read_bytes += arrival.len as u64;
        let is_train = arrival.header.gso != Gso::None;
        self.figures.trains += u64::from(is_train);
        let Some(bytes) = self.whole(buffer, arrival.len) else {
            self.figures.out_of_memory += 1;
            return;
        };
        if is_train && self.stages.offload() == Offload::Cut {
            self.cut(now, &bytes, &arrival.header);
        } else if self.stages.is_transparent() && self.stages.len() <= 1 {
            if let Some(watch) = &self.watch {
                watch.passes(0, When::Now, &arrival.header, &bytes, "");
            }
            self.write(&arrival.header, &bytes, "");
        } else {
            self.offer(0, now, Parcel::new(bytes, arrival.header));
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

    /// Cuts a train into the packets that its sender meant.
    fn cut(&mut self, now: Duration, bytes: &[u8], header: &VnetHeader) {
        let Ok(mut pieces) = Segments::new(bytes, header) else {
            self.figures.malformed += 1;
            if let Some(watch) = &self.watch {
                watch.ends(0, When::Now, header, bytes, End::Malformed);
            }
            return;
        };
        while let Some(len) = pieces.next_len() {
            let Some(mut buffer) = self.pool.take(len) else {
                self.figures.out_of_memory += 1;
                if let Some(watch) = &self.watch {
                    watch.ends(0, When::Now, header, bytes, End::Memory);
                }
                return;
            };
            match pieces.write_next(&mut buffer) {
                Ok(Some(len)) => buffer.set_len(len),
                Ok(None) | Err(_) => return,
            }
            self.figures.pieces += 1;
            self.offer(0, now, Parcel::new(buffer, VnetHeader::default()));
        }
    }

    /// Lets in a packet that the router before the stage at this position has made.
    pub(super) fn inject(&mut self, position: usize, bytes: &[u8]) {
        let Some(mut buffer) = self.pool.take(bytes.len()) else {
            self.figures.out_of_memory += 1;
            return;
        };
        buffer.copy_from_slice(bytes);
        let now = self.now();
        self.offer(position, now, Parcel::new(buffer, VnetHeader::default()));
    }
}
