//! Parcels that wait before a stretch of network, in turns of their connections.

use std::collections::{BTreeMap, VecDeque};

use wharf_link::Packet;

use crate::figures::SEGMENT;
use crate::flow::Parcel;
use crate::key::Key;

/// A deficit round-robin (Shreedhar and Varghese, SIGCOMM 1995) with a quantum of one MSS. What waits
/// is bounded by the credit of each connection.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    queues: BTreeMap<Key, Queue>,
    /// Connections that have something waiting, in the order of their turns.
    round: VecDeque<Key>,
}

#[derive(Debug, Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    deficit: usize,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.round.is_empty()
    }

    pub(crate) fn push(&mut self, parcel: Parcel) {
        let key = parcel.connection;
        let queue = self.queues.entry(key).or_default();
        if queue.parcels.is_empty() {
            self.round.push_back(key);
        }
        queue.parcels.push_back(parcel);
    }

    /// Offers what waits, in turns, until `offer` hands one back.
    pub(crate) fn offer(&mut self, mut offer: impl FnMut(Parcel) -> Result<(), Parcel>) {
        while let Some(&key) = self.round.front() {
            let Some(queue) = self.queues.get_mut(&key) else {
                self.round.pop_front();
                continue;
            };
            let Some(first) = queue.parcels.pop_front() else {
                self.leave(key);
                continue;
            };
            if first.len() > queue.deficit {
                queue.deficit += SEGMENT;
                queue.parcels.push_front(first);
                self.round.rotate_left(1);
                continue;
            }
            let len = first.len();
            if let Err(first) = offer(first) {
                queue.parcels.push_front(first);
                return;
            }
            queue.deficit -= len;
            if queue.parcels.is_empty() {
                self.leave(key);
            }
        }
    }

    fn leave(&mut self, key: Key) {
        self.queues.remove(&key);
        self.round.pop_front();
    }

    /// Forgets what a connection had waiting.
    pub(crate) fn forget(&mut self, key: Key) {
        if self.queues.remove(&key).is_some() {
            self.round.retain(|&other| other != key);
        }
    }
}
