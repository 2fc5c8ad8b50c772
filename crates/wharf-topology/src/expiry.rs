//! A bounded table whose entries end at their time.
//!
//! Each entry has a time that may move at every packet. The queue of times is mended only when a time
//! in it comes: an entry that lives on is put back with its new time. So a packet costs a look-up, and
//! no sorting.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

#[derive(Debug, Clone)]
struct Entry<V> {
    value: V,
    until: Duration,
    /// The time that is in the queue for it: never after `until`.
    queued: Duration,
    /// Tells an entry from an earlier one with the same key.
    serial: u64,
}

/// Entries by key, each until its time.
#[derive(Debug, Clone)]
pub(crate) struct Expiring<K, V> {
    entries: BTreeMap<K, Entry<V>>,
    queue: BinaryHeap<Reverse<(Duration, u64, K)>>,
    serial: u64,
    most: usize,
}

impl<K: Ord + Copy, V> Expiring<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            queue: BinaryHeap::new(),
            serial: 0,
            most,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.most
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The entries between two keys, both included.
    pub(crate) fn between(&self, first: K, last: K) -> impl Iterator<Item = &V> {
        self.entries.range(first..=last).map(|(_, entry)| &entry.value)
    }

    /// Puts in an entry. One that is there under the key is replaced; where there is no room, nothing is.
    pub(crate) fn insert(&mut self, key: K, value: V, until: Duration) -> bool {
        if self.is_full() && !self.entries.contains_key(&key) {
            return false;
        }
        self.serial += 1;
        let serial = self.serial;
        self.queue.push(Reverse((until, serial, key)));
        let entry = Entry {
            value,
            until,
            queued: until,
            serial,
        };
        self.entries.insert(key, entry);
        true
    }

    /// Changes an entry, if it is there, which says until when it is to be kept now.
    pub(crate) fn update<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> (Duration, R)) -> Option<R> {
        let entry = self.entries.get_mut(key)?;
        let (until, result) = change(&mut entry.value);
        entry.until = until;
        if until < entry.queued {
            entry.queued = until;
            self.serial += 1;
            entry.serial = self.serial;
            self.queue.push(Reverse((until, entry.serial, *key)));
        }
        Some(result)
    }

    /// Takes out one entry whose time has come.
    pub(crate) fn expired(&mut self, now: Duration) -> Option<(K, V)> {
        // Every round takes one out of the queue, or moves one behind now.
        while let Some(Reverse((time, serial, key))) = self.queue.peek().copied()
            && time <= now
        {
            self.queue.pop();
            match self.entries.get_mut(&key) {
                Some(entry) if entry.serial != serial => {}
                Some(entry) if entry.until > now => {
                    entry.queued = entry.until;
                    self.queue.push(Reverse((entry.until, serial, key)));
                }
                Some(_) => {
                    let entry = self.entries.remove(&key);
                    return entry.map(|entry| (key, entry.value));
                }
                None => {}
            }
        }
        None
    }
}
