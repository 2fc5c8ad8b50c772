//! One direction of a link.

mod chain;
mod chance;
mod delay;
mod dropped;
mod fates;
mod flight;
mod line;
mod losses;
mod outages;
mod pace;
mod parcel;
mod passage;

use std::time::Duration;

pub(crate) use self::delay::Delays;
use self::dropped::DroppedInside;
use self::fates::Fates;
use self::flight::Flight;
use self::line::Line;
use self::outages::Outages;
use self::parcel::Parcel;
use crate::conditions::Conditions;
use crate::counters::Counters;
use crate::packet::{Cause, Delivery, Dropped, Offer, Overflow, Packet};
use crate::queue::Load;
use crate::random::Seed;
use crate::units::Size;

/// The most that may be under way on a link that has no rate. A link with a rate needs no such
/// bound: what is under way there is at most rate × delay.
pub const DELAY_LINE: Size = Size::from_bytes(64 << 20);

/// The same in packets, since small ones cost memory too.
const DELAY_LINE_PACKETS: usize = 1 << 16;

/// The most packets in a link that has a rate, whatever rate × delay is.
const MOST_PACKETS: usize = 1 << 22;

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
///
/// **A segment** is a machine that several links share. What comes out of a link is offered to the
/// segment at its ideal time, and not at the time at which the carrier happened to wake:
///
/// ```
/// # use std::time::Duration;
/// # use wharf_link::{Conditions, Latency, Machine, Overflow, Packet, Rate, Seed};
/// # #[derive(Debug)]
/// # struct Ping;
/// # impl Packet for Ping { fn len(&self) -> usize { 1_250 } }
/// # let ms = Duration::from_millis;
/// let conditions = Conditions { latency: Latency::millis(50), ..Conditions::CLEAR };
/// let mut links = [1, 2].map(|seed| Machine::new(conditions.clone(), Seed(seed), Overflow::Drop));
/// let conditions = Conditions { rate: Some(Rate::kbit(1_000)), ..Conditions::CLEAR };
/// let mut segment = Machine::new(conditions, Seed(3), Overflow::Drop);
/// for link in &mut links {
///     let _ = link.offer(ms(0), Ping);
/// }
/// // The carrier wakes 20 ms late, and moves what has arrived in the order in which it did.
/// let now = ms(70);
/// while let Some(link) = links.iter_mut().filter(|link| link.next_wakeup() <= Some(now))
///     .filter(|link| link.next_wakeup().is_some()).min_by_key(|link| link.next_wakeup())
/// {
///     while let Some(delivery) = link.next_wakeup().and_then(|due| link.poll(due)) {
///         let _ = segment.offer(delivery.ideal_time, delivery.packet);
///     }
/// }
/// let arrived = std::iter::from_fn(|| segment.poll(now)).map(|delivery| delivery.ideal_time);
/// assert_eq!(arrived.collect::<Vec<_>>(), [ms(60), ms(70)]);
/// ```
#[derive(Debug, Clone)]
pub struct Machine<P> {
    conditions: Conditions,
    /// Whether the conditions are clear.
    clear: bool,
    seed: Seed,
    overflow: Overflow,
    now: Duration,
    cut: Option<Duration>,
    outages: Option<Outages>,
    fates: Fates,
    line: Option<Line<P>>,
    delays: Delays,
    flight: Flight<P>,
    /// The latest arrival time given out: where order is kept, nothing may arrive before it any more.
    last: Duration,
    /// The number of the next packet.
    index: u64,
    counters: Counters,
    dropped: DroppedInside<P>,
}

impl<P: Packet> Machine<P> {
    /// A machine with nothing in it. The seed must be this direction's own: see [`Seed::derive`].
    #[must_use]
    pub fn new(conditions: Conditions, seed: Seed, overflow: Overflow) -> Self {
        let mut machine = Self {
            clear: true,
            seed,
            overflow,
            now: Duration::ZERO,
            cut: None,
            outages: None,
            fates: Fates::new(&Conditions::CLEAR),
            line: None,
            delays: Delays::new(&Conditions::CLEAR),
            flight: Flight::new(),
            last: Duration::ZERO,
            index: 0,
            counters: Counters::default(),
            dropped: DroppedInside::LetGo,
            conditions: Conditions::CLEAR,
        };
        machine.set_conditions(Duration::ZERO, conditions);
        machine
    }

    /// Offers a packet to the near end.
    pub fn offer(&mut self, now: Duration, packet: P) -> Offer<P> {
        self.advance(now);
        if self.overflow == Overflow::PushBack && !(self.is_open() && self.takes(packet.len())) {
            self.counters.pushed_back += 1;
            return Offer::Full(packet);
        }
        let mut parcel = Parcel::new(packet, self.index);
        self.index += 1;
        if self.clear && self.cut.is_none() && self.takes(parcel.packet.len()) {
            self.accept(parcel.packet.len());
            self.launch(self.now, parcel);
            return Offer::Accepted;
        }
        if self.overflow == Overflow::Drop {
            match self.obstacle(&parcel) {
                Some(Cause::Mtu) if self.tells() => return self.too_big(parcel),
                Some(cause) => return self.refuse(parcel, cause),
                None => {}
            }
            self.fates.befall(self.seed, &mut parcel);
        } else {
            let lost = self.fates.loses(self.seed, parcel.index);
            parcel.lost = lost && !parcel.packet.is_empty();
        }
        parcel.score = self.delays.score(self.seed, parcel.index);
        self.enter(parcel)
    }

    /// The next packet that has arrived at the far end by `now`.
    pub fn poll(&mut self, now: Duration) -> Option<Delivery<P>> {
        self.advance(now);
        let delivery = self.flight.pop(self.moment())?;
        self.counters.delivered += 1;
        self.counters.delivered_bytes += delivery.packet.len() as u64;
        Some(delivery)
    }

    /// Keeps what is dropped inside from now on, for [`take_dropped`](Self::take_dropped). Else it is let go of
    /// at once; what is refused at the entrance is handed back in any case.
    pub fn keep_dropped(&mut self) {
        self.dropped.keep();
    }

    /// Lets go of what is dropped inside again, and of what was [kept](Self::keep_dropped).
    pub fn let_go_dropped(&mut self) {
        self.dropped.let_go();
    }

    /// The next packet that was dropped after it had been accepted, if those are [kept](Self::keep_dropped). To be
    /// asked until there is none after each call that tells the time; of what is not taken, 65,536 are kept.
    pub fn take_dropped(&mut self) -> Option<Dropped<P>> {
        self.dropped.take()
    }

    /// What waits for its turn at the rate, what is being sent included. Nothing where there is no rate.
    #[must_use]
    pub fn queued(&self) -> Load {
        self.line.as_ref().map_or(Load::NONE, Line::load)
    }

    /// When to poll next, if nothing changes before. `None`: nothing is under way, or a cut holds it.
    ///
    /// A packet arrives then; but where packets overtake ([`Order::Free`](crate::Order::Free), or reordering) it may be
    /// that one only leaves the queue, and what it does will be known then.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Duration> {
        let arrival = self.flight.next();
        let first = self.line.as_ref().and_then(Line::first);
        let next = match first {
            None => arrival?,
            // No later than what is under way, unless it may overtake.
            Some((left, _)) if self.overtakes() => arrival.map_or(left, |arrival| arrival.min(left)),
            Some(_) if arrival.is_some() => arrival?,
            Some((Duration::MAX, _)) => return None,
            Some((left, parcel)) => {
                let delay = self.delays.of_packet(self.seed, parcel.index, parcel.score);
                self.on_time(left, delay).max(self.last)
            }
        };
        self.unless_held(next).filter(|next| *next != Duration::MAX)
    }

    /// When there will be more [room](Self::room), for those who wait for it.
    #[must_use]
    pub fn next_room(&self) -> Option<Duration> {
        let leaves = match self.line.as_ref().and_then(Line::first) {
            Some((left, _)) => Some(left),
            None => self.flight.next(),
        };
        let opens = self.outages.as_ref().map(|outages| outages.settle(self.now));
        let opens = opens.filter(|opens| self.overflow == Overflow::PushBack && *opens > self.now);
        let next = opens.or(leaves).filter(|next| *next != Duration::MAX)?;
        self.unless_held(next)
    }

    /// How many bytes would be taken now. An empty queue has room for 1500 bytes at the least.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.cut.is_some() || !self.is_on(self.now) {
            return 0;
        }
        let room = match &self.line {
            Some(line) if self.flight.len() + line.len() < MOST_PACKETS => line.room(),
            None if self.flight.len() < DELAY_LINE_PACKETS => {
                DELAY_LINE.bytes().saturating_sub(self.flight.bytes())
            }
            _ => 0,
        };
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Whether a packet of this length would be taken now. An empty queue takes one of any length.
    #[must_use]
    pub fn has_room_for(&self, len: usize) -> bool {
        self.room() > 0 && self.takes(len)
    }

    /// Whether nothing is in the machine.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line.as_ref().is_none_or(Line::is_empty) && self.flight.is_empty()
    }

    /// Whether a packet that is offered now can be polled now: no conditions, no cut, and nothing
    /// under way.
    #[must_use]
    pub fn is_transparent(&self) -> bool {
        self.clear && self.cut.is_none() && self.is_empty()
    }

    /// Whether the link is on at `now`, as its outage has it. Where nothing is dropped it takes nothing
    /// while it is off.
    #[must_use]
    pub fn is_on(&self, now: Duration) -> bool {
        let now = self.now.max(now);
        let outages = self.outages.as_ref();
        outages.is_none_or(|outages| outages.clone().is_on(now))
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
        self.clear = conditions.is_clear();
        self.fates.set(&conditions);
        self.delays.set(&conditions);
        let outage = self.outages.as_ref().map(Outages::outage);
        if outage != conditions.outage {
            self.outages = conditions.outage.map(|outage| Outages::new(outage, self.seed));
        }
        let moment = self.moment();
        let setup = self.line_setup(&conditions);
        self.conditions = conditions;
        match (self.line.take(), setup) {
            (None, None) => {}
            (Some(mut line), Some(setup)) => {
                line.set(moment, setup);
                self.line = Some(line);
            }
            (None, Some(setup)) => {
                self.line = Some(Line::new(moment, setup, self.seed, self.overflow));
            }
            (Some(line), None) => {
                for departure in line.drain(moment) {
                    self.counters.leave(departure.queued, departure.sent);
                    self.launch(departure.left, departure.parcel);
                }
            }
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
        let healed = self.now;
        let by = healed.saturating_sub(cut);
        if let Some(line) = &mut self.line {
            line.postpone(cut, healed);
        }
        let outages = &self.outages;
        let later = |time: Duration| match outages {
            _ if time <= cut => time,
            None => time.saturating_add(by),
            Some(outages) => outages.settle(time.saturating_add(by)),
        };
        self.flight.postpone(later);
        self.last = later(self.last);
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
}
