//! How a packet passes the stages, from one to the next.

use std::time::Duration;

use super::line::LineSetup;
use super::pace::Pace;
use super::parcel::Parcel;
use super::{DELAY_LINE, DELAY_LINE_PACKETS, MOST_PACKETS, Machine};
use crate::conditions::{Conditions, Order, TooBig};
use crate::packet::{Cause, Delivery, Offer, Overflow, Packet};
use crate::queue::{Pushed, Setup};
use crate::units::Rate;

impl<P: Packet> Machine<P> {
    /// Moves everything to where it is at `now`.
    pub(super) fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
        let moment = self.moment();
        while let Some(line) = &mut self.line {
            let (counters, dropped) = (&mut self.counters, &mut self.dropped);
            let popped = line.pop(moment, &mut |lost| {
                counters.drop_inside(lost.cause);
                dropped.add(lost);
            });
            let Some(departure) = popped else {
                return;
            };
            // The next one's turn came when this one had left.
            dropped.at(departure.left);
            counters.leave(departure.queued, departure.sent);
            self.launch(departure.left, departure.parcel);
        }
    }

    /// The time inside: it stands still while a stream is cut.
    pub(super) fn moment(&self) -> Duration {
        match (self.overflow, self.cut) {
            (Overflow::PushBack, Some(cut)) => cut,
            _ => self.now,
        }
    }

    pub(super) fn unless_held(&self, time: Duration) -> Option<Duration> {
        let held = self.overflow == Overflow::PushBack && self.cut.is_some_and(|cut| time > cut);
        (!held).then_some(time)
    }

    /// Whether the link is neither cut nor off.
    pub(super) fn is_open(&mut self) -> bool {
        let now = self.now;
        self.cut.is_none() && self.outages.as_mut().is_none_or(|outages| outages.is_on(now))
    }

    /// Whether there is room for a packet of this length.
    pub(super) fn takes(&self, len: usize) -> bool {
        match &self.line {
            Some(line) => self.flight.len() + line.len() < MOST_PACKETS && line.takes(len),
            None if len == 0 && self.overflow == Overflow::PushBack => true,
            None => {
                self.flight.len() < DELAY_LINE_PACKETS
                    && self.flight.bytes() + len as u64 <= DELAY_LINE.bytes()
            }
        }
    }

    /// What stands in a packet's way: cut, outage, MTU and loss, in this order.
    pub(super) fn obstacle(&mut self, parcel: &Parcel<P>) -> Option<Cause> {
        // Asked in any case: each packet is a step of the chain.
        let lost = self.fates.loses(self.seed, parcel.index);
        let longest = self.conditions.mtu.map_or(usize::MAX, |mtu| mtu.bytes());
        if self.cut.is_some() {
            Some(Cause::Cut)
        } else if !self.is_open() {
            Some(Cause::Outage)
        } else if parcel.packet.len() > longest {
            Some(Cause::Mtu)
        } else {
            lost.then_some(Cause::Loss)
        }
    }

    /// Whether the carrier hears of what is too long.
    pub(super) fn tells(&self) -> bool {
        self.conditions
            .mtu
            .is_some_and(|mtu| mtu.too_big() == TooBig::Told)
    }

    pub(super) fn too_big(&mut self, parcel: Parcel<P>) -> Offer<P> {
        self.counters.drop(Cause::Mtu);
        let longest = self.conditions.mtu.map_or(usize::MAX, |mtu| mtu.bytes());
        Offer::TooBig(parcel.packet, longest)
    }

    pub(super) fn refuse(&mut self, parcel: Parcel<P>, cause: Cause) -> Offer<P> {
        if self.overflow == Overflow::PushBack {
            self.counters.pushed_back += 1;
            return Offer::Full(parcel.packet);
        }
        self.counters.drop(cause);
        Offer::Dropped(parcel.packet, cause)
    }

    pub(super) fn accept(&mut self, len: usize) {
        self.counters.accepted += 1;
        self.counters.accepted_bytes += len as u64;
    }

    /// Into the queue, or where there is none, on its way.
    pub(super) fn enter(&mut self, parcel: Parcel<P>) -> Offer<P> {
        let len = parcel.packet.len();
        let Some(line) = &mut self.line else {
            if !self.takes(len) {
                return self.refuse(parcel, Cause::Queue);
            }
            self.accept(len);
            self.launch(self.now, parcel);
            return Offer::Accepted;
        };
        if self.flight.len() + line.len() >= MOST_PACKETS {
            return self.refuse(parcel, Cause::Queue);
        }
        let (counters, dropped) = (&mut self.counters, &mut self.dropped);
        let pushed = line.push(self.now, parcel, &mut |lost| {
            counters.drop_inside(lost.cause);
            dropped.add(lost);
        });
        dropped.at(self.now);
        match pushed {
            Pushed::Refused(parcel, cause) => self.refuse(parcel, cause),
            Pushed::Queued => {
                self.accept(len);
                Offer::Accepted
            }
        }
    }

    /// Puts a packet that has left the near end on its way.
    pub(super) fn launch(&mut self, left: Duration, parcel: Parcel<P>) {
        let arrival = match self.overflow {
            Overflow::Drop if self.fates.overtakes(self.seed, parcel.index) => {
                self.counters.reordered += 1;
                left
            }
            _ => {
                let delay = self.delays.of_packet(self.seed, parcel.index, parcel.score);
                let arrival = self.on_time(left, delay);
                match self.delays.order() {
                    Order::Free if self.overflow == Overflow::Drop => arrival,
                    _ => arrival.max(self.last),
                }
            }
        };
        self.last = self.last.max(arrival);
        self.counters.launch(left, arrival, self.delays.latency());
        self.counters.corrupted += u64::from(parcel.corrupt.is_some());
        self.counters.duplicated += u64::from(parcel.duplicate);
        self.counters.marked += u64::from(parcel.ce);
        self.counters.lost += u64::from(parcel.lost);
        self.flight.push(Delivery {
            packet: parcel.packet,
            ideal_time: arrival,
            duplicate: parcel.duplicate,
            corrupt: parcel.corrupt,
            ce: parcel.ce,
            lost: parcel.lost,
        });
    }

    /// When something arrives that is so long under way. Packets past the entrance feel no outage; a
    /// stream is held by it.
    pub(super) fn on_time(&self, left: Duration, delay: Duration) -> Duration {
        match (&self.outages, self.overflow) {
            (Some(outages), Overflow::PushBack) => outages.after(left, delay),
            _ => left.saturating_add(delay),
        }
    }

    /// Whether what leaves later may arrive earlier.
    pub(super) fn overtakes(&self) -> bool {
        self.overflow == Overflow::Drop && (self.delays.order() == Order::Free || self.fates.reorders())
    }

    pub(super) fn line_setup(&self, conditions: &Conditions) -> Option<LineSetup> {
        let pace = Pace::new(conditions)?;
        Some(LineSetup {
            queue: Setup {
                discipline: conditions.discipline,
                limit: conditions.queue_limit()?,
                rate: conditions.mean_rate().unwrap_or(Rate::kbit(1)),
            },
            pace,
            overhead: conditions.overhead,
            holds: self
                .outages
                .clone()
                .filter(|_| self.overflow == Overflow::PushBack),
        })
    }
}
