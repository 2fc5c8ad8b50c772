//! One direction of a link.

use std::collections::VecDeque;
use std::time::Duration;

use crate::conditions::Conditions;
use crate::delay;
use crate::packet::{Cause, Counters, Delivery, Offer, Overflow, Packet};
use crate::random::Seed;
use crate::transmitter::{Numbered, Transmitter};
use crate::units::Size;

/// The most that may be under way on a link that has no rate. A link with a rate needs no such
/// bound: what is under way there is at most rate × delay.
pub const DELAY_LINE: Size = Size::from_bytes(64 << 20);

/// The same in packets, since small ones cost memory too.
const DELAY_LINE_PACKETS: usize = 1 << 16;

/// One direction of a link: packets are offered at one end and polled at the other.
///
/// `now` is the time since the link began. It never runs backwards: an earlier time than the last
/// one is taken as the last one.
///
/// ```
/// use std::time::Duration;
/// use wharf_link::{Conditions, Latency, Machine, Offer, Overflow, Packet, Seed};
///
/// #[derive(Debug, PartialEq)]
/// struct Ping;
/// impl Packet for Ping {
///     fn len(&self) -> usize { 64 }
/// }
///
/// let conditions = Conditions { latency: Latency::millis(50), ..Conditions::CLEAR };
/// let mut machine = Machine::new(conditions, Seed(1), Overflow::Drop);
/// assert_eq!(machine.offer(Duration::from_millis(10), Ping), Offer::Accepted);
/// assert_eq!(machine.next_wakeup(), Some(Duration::from_millis(60)));
/// assert_eq!(machine.poll(Duration::from_millis(59)), None);
/// assert!(machine.poll(Duration::from_millis(60)).is_some());
/// ```
#[derive(Debug, Clone)]
pub struct Machine<P> {
    conditions: Conditions,
    seed: Seed,
    overflow: Overflow,
    now: Duration,
    cut: Option<Duration>,
    transmitter: Transmitter<P>,
    flight: VecDeque<Delivery<P>>,
    flight_bytes: u64,
    /// The latest arrival time given out: nothing may arrive before it any more.
    last: Duration,
    /// The number of the next packet.
    index: u64,
    counters: Counters,
}

impl<P: Packet> Machine<P> {
    /// A machine with nothing in it. The seed must be this direction's own: see [`Seed::derive`].
    #[must_use]
    pub fn new(conditions: Conditions, seed: Seed, overflow: Overflow) -> Self {
        Self {
            conditions,
            seed,
            overflow,
            now: Duration::ZERO,
            cut: None,
            transmitter: Transmitter::new(),
            flight: VecDeque::new(),
            flight_bytes: 0,
            last: Duration::ZERO,
            index: 0,
            counters: Counters::default(),
        }
    }

    /// Offers a packet to the near end.
    pub fn offer(&mut self, now: Duration, packet: P) -> Offer<P> {
        self.advance(now);
        if self.cut.is_some() {
            return self.refuse(packet, Cause::Cut);
        }
        if !self.takes(packet.len()) {
            return self.refuse(packet, Cause::Queue);
        }
        self.counters.accepted += 1;
        self.counters.accepted_bytes += packet.len() as u64;
        let packet = Numbered {
            packet,
            index: self.index,
        };
        self.index += 1;
        match self.conditions.rate {
            Some(rate) => self.transmitter.push(self.now, packet, rate),
            None => self.launch(self.now, packet),
        }
        Offer::Accepted
    }

    /// The next packet that has arrived at the far end by `now`.
    pub fn poll(&mut self, now: Duration) -> Option<Delivery<P>> {
        self.advance(now);
        let moment = self.moment();
        if self.flight.front()?.ideal_time > moment {
            return None;
        }
        let delivery = self.flight.pop_front()?;
        let bytes = delivery.packet.len() as u64;
        self.flight_bytes -= bytes;
        self.counters.delivered += 1;
        self.counters.delivered_bytes += bytes;
        Some(delivery)
    }

    /// When the next packet arrives, if nothing changes before. `None`: nothing is under way, or a
    /// cut holds it.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Duration> {
        let next = match self.flight.front() {
            Some(first) => first.ideal_time,
            None => {
                let (left, index) = self.transmitter.first()?;
                self.arrival(left, index)
            }
        };
        self.unless_held(next)
    }

    /// When there will be more [room](Self::room), for those who wait for it.
    #[must_use]
    pub fn next_room(&self) -> Option<Duration> {
        let next = match self.transmitter.first() {
            Some((left, _)) => left,
            None => self.flight.front()?.ideal_time,
        };
        self.unless_held(next)
    }

    /// How many bytes would be taken now. An empty queue has room for 1500 bytes at the least.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.cut.is_some() {
            return 0;
        }
        let room = match self.conditions.queue_limit() {
            Some(limit) => self.transmitter.room(limit),
            None if self.flight.len() >= DELAY_LINE_PACKETS => 0,
            None => DELAY_LINE.bytes().saturating_sub(self.flight_bytes),
        };
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Whether nothing is in the machine.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transmitter.is_empty() && self.flight.is_empty()
    }

    /// Whether a packet that is offered now can be polled now: no conditions, no cut, and nothing
    /// under way.
    #[must_use]
    pub fn is_transparent(&self) -> bool {
        self.cut.is_none() && self.is_empty() && self.conditions.is_clear()
    }

    /// The conditions in force.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Changes the conditions from `now` on. Nothing in the machine is lost or re-ordered: what is
    /// under way keeps its arrival time, the rest of what is being sent goes at the new rate, and a
    /// queue that is longer than a new limit drains as it is.
    pub fn set_conditions(&mut self, now: Duration, conditions: Conditions) {
        self.advance(now);
        let old = std::mem::replace(&mut self.conditions, conditions);
        let moment = self.moment();
        match (old.rate, self.conditions.rate) {
            (Some(old), Some(new)) => self.transmitter.change_rate(moment, old, new),
            (Some(_), None) => {
                let freed: Vec<_> = self.transmitter.drain().collect();
                for packet in freed {
                    self.launch(moment, packet);
                }
            }
            (None, _) => {}
        }
    }

    /// Cuts the link at `now`. Packets are dropped at the entrance from then on; a stream is held,
    /// with all that has not arrived yet. A second cut changes nothing.
    pub fn cut(&mut self, now: Duration) {
        self.advance(now);
        self.cut.get_or_insert(self.now);
    }

    /// Heals a cut. What was held goes on where it stood, as if no time had passed.
    pub fn heal(&mut self, now: Duration) {
        self.advance(now);
        let Some(cut) = self.cut.take() else {
            return;
        };
        if self.overflow == Overflow::Drop {
            return;
        }
        let by = self.now.saturating_sub(cut);
        self.transmitter.shift(by);
        let held = self.flight.iter_mut().filter(|d| d.ideal_time > cut);
        for delivery in held {
            delivery.ideal_time = delivery.ideal_time.saturating_add(by);
        }
        if self.last > cut {
            self.last = self.last.saturating_add(by);
        }
    }

    /// Whether the link is cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// What has passed so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Moves everything to where it is at `now`.
    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
        let moment = self.moment();
        if let Some(rate) = self.conditions.rate {
            while let Some((left, packet)) = self.transmitter.pop(moment, rate) {
                self.launch(left, packet);
            }
        }
    }

    /// The time inside: it stands still while a stream is cut.
    fn moment(&self) -> Duration {
        match (self.overflow, self.cut) {
            (Overflow::PushBack, Some(cut)) => cut,
            _ => self.now,
        }
    }

    fn unless_held(&self, time: Duration) -> Option<Duration> {
        let held = self.overflow == Overflow::PushBack && self.cut.is_some_and(|cut| time > cut);
        (!held).then_some(time)
    }

    fn takes(&self, len: usize) -> bool {
        match self.conditions.queue_limit() {
            Some(limit) => self.transmitter.takes(len, limit),
            None => len == 0 || len <= self.room(),
        }
    }

    fn refuse(&mut self, packet: P, cause: Cause) -> Offer<P> {
        if self.overflow == Overflow::PushBack {
            self.counters.pushed_back += 1;
            return Offer::Full(packet);
        }
        match cause {
            Cause::Cut => self.counters.dropped_by_cut += 1,
            _ => self.counters.dropped_by_queue += 1,
        }
        Offer::Dropped(packet, cause)
    }

    fn arrival(&self, left: Duration, index: u64) -> Duration {
        let delay = delay::of_packet(&self.conditions, self.seed, index);
        left.saturating_add(delay).max(self.last)
    }

    /// Puts a packet that has left the near end on its way.
    fn launch(&mut self, left: Duration, packet: Numbered<P>) {
        let ideal_time = self.arrival(left, packet.index);
        self.last = ideal_time;
        self.flight_bytes += packet.packet.len() as u64;
        let packet = packet.packet;
        self.flight.push_back(Delivery {
            packet,
            ideal_time,
            duplicate: false,
            corrupt: None,
            ce: false,
            lost: false,
        });
    }
}
