//! CoDel, controlled delay: RFC 8289.
//!
//! The time that packets have waited decides, as they leave. Once no packet for a whole `interval`
//! has waited less than `target`, one is dropped (or marked); and then the next after
//! interval/√1, interval/√2, interval/√3 and so on, until the wait is below the target.
//!
//! The names are those of the RFC's pseudo-code (its section 5). Where it drops, a mark may be set
//! instead: then, as in Linux (`codel_impl.h`), that packet goes out and counts as the one dropped.

use std::time::Duration;

use super::outcome::Lost;
use super::single::Rule;
use super::waiting::{Fifo, Signal, Waiting};
use crate::conditions::{self, Ecn};
use crate::packet::{Cause, Overflow, Packet};

/// Longer ones are not one packet on a wire but many: what offload has joined, or a piece of a stream.
/// Linux compares with the MTU too, and not with the longest packet, since it met those.
const LONGEST_PACKET: u64 = 1514;

/// How it is set, and the longest packet that was seen, which all queues of a link share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Law {
    target: Duration,
    interval: Duration,
    ecn: Ecn,
    maxpacket: u64,
}

impl Law {
    pub(super) fn new(codel: &conditions::CoDel) -> Self {
        Self {
            target: codel.target.duration(),
            interval: codel.interval.duration(),
            ecn: codel.ecn,
            maxpacket: 0,
        }
    }

    /// The same with other figures.
    pub(super) const fn retuned(self, to: Self) -> Self {
        Self {
            maxpacket: self.maxpacket,
            ..to
        }
    }

    fn control_law(&self, from: Duration, count: u32) -> Duration {
        let nanos = self.interval.as_nanos() as f64 / f64::from(count).sqrt();
        from.saturating_add(Duration::from_nanos(nanos as u64))
    }
}

/// What CoDel remembers of a queue.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Control {
    first_above_time: Option<Duration>,
    drop_next: Duration,
    count: u32,
    lastcount: u32,
    dropping: bool,
}

/// A packet from the head of a queue, and whether it may be dropped.
struct Head<P> {
    packet: Waiting<P>,
    ok_to_drop: bool,
}

impl Control {
    /// Takes the next packet to send out of a queue. `pull` takes the first packet, and says how
    /// many bytes are left behind it.
    pub(super) fn dequeue<P: Packet>(
        &mut self,
        now: Duration,
        law: &mut Law,
        overflow: Overflow,
        mut pull: impl FnMut() -> Option<(Waiting<P>, u64)>,
        lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>> {
        let Some(mut head) = self.dodequeue(now, law, pull()) else {
            self.dropping = false;
            return None;
        };
        if self.dropping {
            if !head.ok_to_drop {
                self.dropping = false;
            }
            while self.dropping && now >= self.drop_next {
                self.count = self.count.saturating_add(1);
                if let Signal::Carried = head.packet.signal(law.ecn, overflow) {
                    self.drop_next = law.control_law(self.drop_next, self.count);
                    break;
                }
                lost(head.packet.lost(Cause::Aqm));
                let next = self.dodequeue(now, law, pull());
                if next.as_ref().is_some_and(|next| next.ok_to_drop) {
                    self.drop_next = law.control_law(self.drop_next, self.count);
                } else {
                    self.dropping = false;
                }
                head = next?;
            }
        } else if head.ok_to_drop {
            let mut next = Some(head);
            if let Some(first) = &mut next
                && let Signal::Loss = first.packet.signal(law.ecn, overflow)
            {
                lost(next.take()?.packet.lost(Cause::Aqm));
                next = self.dodequeue(now, law, pull());
            }
            self.start_dropping(now, law);
            head = next?;
        }
        Some(head.packet)
    }

    pub(super) fn shift(&mut self, by: Duration) {
        self.first_above_time = self.first_above_time.map(|time| time.saturating_add(by));
        self.drop_next = self.drop_next.saturating_add(by);
    }

    /// A first drop was made. If the last spell of dropping ended not long ago, the rate at which it
    /// dropped in the end is a good one to go on with.
    fn start_dropping(&mut self, now: Duration, law: &Law) {
        self.dropping = true;
        let delta = self.count.saturating_sub(self.lastcount);
        let recent = now < self.drop_next.saturating_add(law.interval * 16);
        self.count = if delta > 1 && recent { delta } else { 1 };
        self.drop_next = law.control_law(now, self.count);
        self.lastcount = self.count;
    }

    fn dodequeue<P: Packet>(
        &mut self,
        now: Duration,
        law: &mut Law,
        pulled: Option<(Waiting<P>, u64)>,
    ) -> Option<Head<P>> {
        let Some((packet, left)) = pulled else {
            self.first_above_time = None;
            return None;
        };
        law.maxpacket = law.maxpacket.max(packet.len().min(LONGEST_PACKET));
        let sojourn = now.saturating_sub(packet.since);
        let mut ok_to_drop = false;
        // The second condition is for slow links, where a single packet takes more than the
        // target: what follows one packet is no standing queue.
        if sojourn < law.target || left <= law.maxpacket {
            self.first_above_time = None;
        } else {
            match self.first_above_time {
                None => self.first_above_time = Some(now.saturating_add(law.interval)),
                Some(first) => ok_to_drop = now >= first,
            }
        }
        Some(Head { packet, ok_to_drop })
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CoDel {
    law: Law,
    control: Control,
}

impl CoDel {
    pub(super) fn new(law: Law) -> Self {
        Self {
            law,
            control: Control::default(),
        }
    }

    pub(super) fn retune(&mut self, law: Law) {
        self.law = self.law.retuned(law);
    }
}

impl<P: Packet> Rule<P> for CoDel {
    fn pop(
        &mut self,
        fifo: &mut Fifo<P>,
        now: Duration,
        overflow: Overflow,
        lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>> {
        let pull = || {
            let waiting = fifo.pop()?;
            Some((waiting, fifo.load().bytes))
        };
        self.control.dequeue(now, &mut self.law, overflow, pull, lost)
    }

    fn shift(&mut self, by: Duration) {
        self.control.shift(by);
    }
}
