//! The far end: what can be read, and what waits behind a hole.

use std::collections::VecDeque;

use super::segment::Segment;

#[derive(Debug, Clone, Default)]
pub(super) struct Receiver {
    /// The first segment that has not arrived.
    next: u64,
    /// That one and those behind it: the bytes of each that has arrived, else zero. The last one has.
    behind: VecDeque<u32>,
}

impl Receiver {
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn has_hole(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Takes a segment in; how many bytes can be read now that could not before.
    pub(super) fn take(&mut self, segment: Segment) -> u64 {
        let Some(place) = segment.index.checked_sub(self.next).map(|place| place as usize) else {
            return 0;
        };
        if place == 0 && self.behind.is_empty() {
            self.next += 1;
            return u64::from(segment.len);
        }
        if place >= self.behind.len() {
            self.behind.resize(place + 1, 0);
        }
        if let Some(slot) = self.behind.get_mut(place) {
            *slot = segment.len;
        }
        let mut readable = 0;
        while let Some(&len) = self.behind.front().filter(|&&len| len > 0) {
            self.behind.pop_front();
            self.next += 1;
            readable += u64::from(len);
        }
        readable
    }
}
