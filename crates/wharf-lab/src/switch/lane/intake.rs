//! What comes into a lane: packets out of a device, in pieces where each has a fate of its own.

use std::time::Duration;

use wharf_packet::{Gso, VnetHeader};

use super::{BATCH, Lane};
use crate::switch::cut::{self, Short};
use crate::switch::parcel::Parcel;
use crate::switch::pool::Buffer;
use crate::switch::port::Arrival;
use crate::switch::reader::Took;
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
            match self.reader.read(&self.source) {
                Took::Packet(bytes, arrival) => self.take_in(bytes, &arrival),
                Took::Lost => self.figures.out_of_memory += 1,
                Took::Nothing => self.figures.malformed += 1,
                Took::Empty => return false,
                Took::Gone => {
                    self.has_source = false;
                    return false;
                }
            }
        }
        true
    }

    fn take_in(&mut self, bytes: Buffer, arrival: &Arrival) {
        let now = self.now();
        self.figures.read += 1;
        self.figures.read_bytes += arrival.len as u64;
        let is_train = arrival.header.gso != Gso::None;
        self.figures.trains += u64::from(is_train);
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

    /// Cuts a train into the packets that its sender meant.
    fn cut(&mut self, now: Duration, bytes: &[u8], header: &VnetHeader) {
        let pool = self.pool.clone();
        let cut = cut::train(&pool, bytes, header, |piece| {
            self.figures.pieces += 1;
            self.offer(0, now, Parcel::new(piece, VnetHeader::default()));
        });
        let end = match cut {
            Ok(()) => return,
            Err(Short::Malformed) => {
                self.figures.malformed += 1;
                End::Malformed
            }
            Err(Short::OutOfMemory) => {
                self.figures.out_of_memory += 1;
                End::Memory
            }
        };
        if let Some(watch) = &self.watch {
            watch.ends(0, When::Now, header, bytes, end);
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
