//! What is under way, by its time of arrival.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::packet::{Delivery, Packet};

/// What arrives in the order in which it left stands in a queue, and costs next to nothing. What
/// overtakes stands in a heap beside it.
#[derive(Debug, Clone)]
pub(crate) struct Flight<P> {
    in_order: VecDeque<Entry<P>>,
    overtaking: BinaryHeap<Reverse<Entry<P>>>,
    bytes: u64,
    /// The number of the next that leaves.
    number: u64,
}

#[derive(Debug, Clone)]
struct Entry<P> {
    delivery: Delivery<P>,
    number: u64,
}

impl<P> Entry<P> {
    /// By time; what left first arrives first at the same time.
    fn key(&self) -> (Duration, u64) {
        (self.delivery.ideal_time, self.number)
    }
}

impl<P> PartialEq for Entry<P> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<P> Eq for Entry<P> {}

impl<P> PartialOrd for Entry<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> Ord for Entry<P> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<P: Packet> Flight<P> {
    pub(crate) const fn new() -> Self {
        Self {
            in_order: VecDeque::new(),
            overtaking: BinaryHeap::new(),
            bytes: 0,
            number: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.in_order.is_empty() && self.overtaking.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.in_order.len() + self.overtaking.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn push(&mut self, delivery: Delivery<P>) {
        self.bytes += delivery.packet.len() as u64;
        let number = self.number;
        self.number += 1;
        let overtakes = self
            .in_order
            .back()
            .is_some_and(|last| delivery.ideal_time < last.delivery.ideal_time);
        let entry = Entry { delivery, number };
        match overtakes {
            false => self.in_order.push_back(entry),
            true => self.overtaking.push(Reverse(entry)),
        }
    }

    /// When the next arrives.
    pub(crate) fn next(&self) -> Option<Duration> {
        let first = self.in_order.front().map(|entry| entry.delivery.ideal_time);
        match self.overtaking.peek() {
            None => first,
            Some(Reverse(other)) => {
                let other = other.delivery.ideal_time;
                Some(first.map_or(other, |first| first.min(other)))
            }
        }
    }

    /// Takes out the next, if it has arrived by `now`.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<Delivery<P>> {
        if self.next()? > now {
            return None;
        }
        let from_heap = match (self.in_order.front(), self.overtaking.peek()) {
            (Some(first), Some(Reverse(other))) => other < first,
            (first, _) => first.is_none(),
        };
        let entry = match from_heap {
            false => self.in_order.pop_front(),
            true => self.overtaking.pop().map(|Reverse(entry)| entry),
        };
        let delivery = entry?.delivery;
        self.bytes -= delivery.packet.len() as u64;
        Some(delivery)
    }

    /// Moves the times of all that arrives in order. `later` keeps the order of times.
    pub(crate) fn postpone(&mut self, later: impl Fn(Duration) -> Duration) {
        for entry in &mut self.in_order {
            entry.delivery.ideal_time = later(entry.delivery.ideal_time);
        }
    }
}
