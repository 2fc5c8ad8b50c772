//! What the routers of a lane do: cut what does not fit, and answer what goes no further.

use std::time::Duration;

use wharf_link::Offer;
use wharf_packet::icmp::{self, Problem};
use wharf_packet::{Fragments, Packet, VnetHeader};

use super::Lane;
use crate::switch::cut::{self, Short};
use crate::switch::inbox::Order;
use crate::switch::parcel::Parcel;
use crate::switch::tap::{End, Instead, When};

impl Lane {
    /// A packet that does not fit is cut into fragments where its sender allows it, and else the router
    /// answers.
    pub(super) fn too_big(&mut self, position: usize, now: Duration, mut parcel: Parcel, mtu: usize) {
        if parcel.header.complete_checksum(&mut parcel.bytes).is_err() {
            if let Some(watch) = &self.watch {
                let at = When::At(self.start + now);
                watch.ends(position, at, &parcel.header, &parcel.bytes, End::Malformed);
            }
            return;
        }
        let fragments = Fragments::new(&parcel.bytes, mtu);
        if let Some(watch) = &self.watch {
            let end = End::TooLong {
                len: parcel.bytes.len(),
                mtu,
                then: match fragments {
                    Ok(_) => Instead::Fragments,
                    Err(_) => Instead::Answer,
                },
            };
            let at = When::At(self.start + now);
            watch.ends(position, at, &parcel.header, &parcel.bytes, end);
        }
        let Ok(mut fragments) = fragments else {
            let mtu = u32::try_from(mtu).unwrap_or(u32::MAX);
            return self.answer(position, now, &parcel.bytes, Problem::TooBig { mtu });
        };
        let pool = self.pool.clone();
        let made = cut::fragments(&pool, &mut fragments, mtu, |fragment| {
            let fragment = Parcel::new(fragment, VnetHeader::default());
            // It fits, so it is not cut again.
            if let Some(Offer::Dropped(fragment, cause)) = self.stages.offer(position, now, fragment)
                && let Some(watch) = &self.watch
            {
                watch.refused(position, self.start + now, &fragment, cause, &self.stages);
            }
        });
        if made == Err(Short::OutOfMemory) {
            self.figures.out_of_memory += 1;
        }
    }

    /// A packet's time to live has ended at the router behind the stage at this position.
    pub(super) fn expired(&self, position: usize, now: Duration, parcel: &Parcel) {
        let (Some(watch), Ok(packet)) = (&self.watch, Packet::parse(&parcel.bytes)) else {
            return;
        };
        let router = self.way.router(position + 1, self.stages.len(), packet.version());
        let at = When::At(self.start + now);
        watch.ends(position, at, &parcel.header, &parcel.bytes, End::Expired(router));
    }

    /// The router before the stage at this position tells the sender what is wrong. What it says goes
    /// back over the stages that the packet had passed.
    pub(super) fn answer(&mut self, position: usize, now: Duration, about: &[u8], problem: Problem) {
        let Ok(about) = Packet::parse(about) else {
            return;
        };
        if !self.budget.take(now) {
            return;
        }
        let mut buffer = [0; icmp::LONGEST];
        let from = self.way.router(position, self.stages.len(), about.version());
        if let Ok(len) = icmp::error(&about, problem, from, &mut buffer) {
            self.figures.icmp_errors += 1;
            let back = self.stages.len().saturating_sub(position);
            self.back.try_send(Order::Inject(back, buffer[..len].into()));
        }
    }
}
