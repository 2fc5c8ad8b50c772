//! Coarse deadlines: of parking, dialling and backing off.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// How far things may be put off that nobody times.
const TICK: Duration = Duration::from_millis(64);

/// Things that are due at a time. What has become moot is left in and found moot when due.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    heap: BinaryHeap<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    due: Reverse<Duration>,
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl<T> Timers<T> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
        }
    }

    pub(crate) fn set(&mut self, due: Duration, what: T) {
        let due = Reverse(due);
        self.heap.push(Entry { due, what });
    }

    /// The same, up to [`TICK`] later: those that are about as late share a wake-up.
    pub(crate) fn set_about(&mut self, due: Duration, what: T) {
        let ticks = due.as_millis() / TICK.as_millis() + 1;
        let due = TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
        self.set(due, what);
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|entry| entry.due.0)
    }

    pub(crate) fn pop(&mut self, now: Duration) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|entry| entry.what)
    }
}
