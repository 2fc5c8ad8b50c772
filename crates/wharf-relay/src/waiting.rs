//! What waits before a stretch of network, in turns of connections and of flows of datagrams.
//!
//! A parcel waits for as long as there is no room. A datagram waits only where parcels do: they keep a
//! queue full all the time, which senders of their own would not, and no datagram would find room in it
//! by chance. It then has its turn as they have, and of one flow a few may wait. Where no parcel waits a
//! queue is full of datagrams, and drops what comes.

use std::collections::{BTreeMap, VecDeque};

use wharf_link::Packet;

use crate::figures::SEGMENT;
use crate::freight::{Freight, Party};

/// How many datagrams of a flow may wait: about what a sender sends at once.
const DATAGRAMS: usize = 16;

/// A deficit round-robin (Shreedhar and Varghese, SIGCOMM 1995) with a quantum of one MSS. What waits
/// is bounded by the credit of each connection.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    queues: BTreeMap<Party, Queue>,
    /// Those that have something waiting, in the order of their turns.
    round: VecDeque<Party>,
    /// How many connections are among them.
    connections: usize,
}

#[derive(Debug, Default)]
struct Queue {
    freight: VecDeque<Freight>,
    deficit: usize,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.round.is_empty()
    }

    /// Whether a datagram of this flow has something to wait for, and may.
    pub(crate) fn takes_datagram(&self, party: Party) -> bool {
        let waiting = self.queues.get(&party).map_or(0, |queue| queue.freight.len());
        self.connections > 0 && waiting < DATAGRAMS
    }

    pub(crate) fn push(&mut self, freight: Freight) {
        let party = freight.party();
        let queue = self.queues.entry(party).or_default();
        if queue.freight.is_empty() {
            self.round.push_back(party);
            self.connections += usize::from(party.is_connection());
        }
        queue.freight.push_back(freight);
    }

    /// Offers what waits, in turns, until `offer` hands one back.
    pub(crate) fn offer(&mut self, mut offer: impl FnMut(Freight) -> Result<(), Freight>) {
        while let Some(&party) = self.round.front() {
            let Some(queue) = self.queues.get_mut(&party) else {
                self.round.pop_front();
                continue;
            };
            let Some(first) = queue.freight.pop_front() else {
                self.leave(party);
                continue;
            };
            if first.len() > queue.deficit {
                queue.deficit += SEGMENT;
                queue.freight.push_front(first);
                self.round.rotate_left(1);
                continue;
            }
            let len = first.len();
            if let Err(first) = offer(first) {
                queue.freight.push_front(first);
                return;
            }
            queue.deficit -= len;
            if queue.freight.is_empty() {
                self.leave(party);
            }
        }
    }

    fn leave(&mut self, party: Party) {
        self.queues.remove(&party);
        self.round.pop_front();
        self.connections -= usize::from(party.is_connection());
    }

    /// Forgets what somebody had waiting.
    pub(crate) fn forget(&mut self, party: Party) {
        if self.queues.remove(&party).is_some() {
            self.round.retain(|&other| other != party);
            self.connections -= usize::from(party.is_connection());
        }
    }

    /// Takes out all datagrams.
    pub(crate) fn take_datagrams(&mut self) -> Vec<Freight> {
        let flows: Vec<Party> = self
            .round
            .iter()
            .copied()
            .filter(|party| !party.is_connection())
            .collect();
        self.round.retain(|party| party.is_connection());
        flows
            .iter()
            .filter_map(|party| self.queues.remove(party))
            .flat_map(|queue| queue.freight)
            .collect()
    }
}
