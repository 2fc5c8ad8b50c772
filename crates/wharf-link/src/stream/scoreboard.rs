//! What the sender knows of each segment that is not acknowledged yet (RFC 6675, RFC 8985).

use std::collections::VecDeque;
use std::time::Duration;

use super::segment::segments;

/// As many later segments, delivered, say that one is lost (RFC 6675's DupThresh).
const DUP_THRESH: usize = 3;

/// Memory for as many segments is kept when none is under way.
const AT_REST: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Sent once, and nothing heard.
    Flying,
    /// Sent again, and nothing heard.
    Again,
    /// Known to have arrived, while one before it has not.
    Sacked,
    /// Taken for lost, and to be sent again.
    Lost,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) len: u32,
    /// How many segments it counts for.
    pub(super) weight: u32,
    pub(super) state: State,
    /// Its last transmission.
    pub(super) number: u64,
    pub(super) sent: Duration,
    /// How many segments had been delivered by then, and when the last of them was.
    pub(super) delivered: (u64, Duration),
}

/// Segments from the first that is not acknowledged to the last that was sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Scoreboard {
    /// The index of the first.
    first: u64,
    entries: VecDeque<Entry>,
    bytes: u64,
    /// All of these count segments, of which a train has several.
    segments: usize,
    sacked: usize,
    /// Flying and again.
    pipe: usize,
    lost: usize,
    /// All that fly for the first time have indices from here on, or are above every sacked one.
    judged: u64,
    /// One above the highest that is sacked or acknowledged.
    sacked_end: u64,
    /// Lost ones, in the order in which they are sent again. Some are delivered meanwhile.
    to_send: VecDeque<u64>,
    /// Transmissions of those that were sent again: index and number, in order.
    sent_again: VecDeque<(u64, u64)>,
    /// The next transmission's number.
    number: u64,
    /// The latest transmission that has been delivered (RFC 8985's RACK.xmit_ts, but exact).
    latest: Option<u64>,
}

/// What an acknowledgement told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    /// How many segments are delivered that were not before.
    pub(super) delivered: u32,
    /// Whether the first one is another now.
    pub(super) advanced: bool,
}

impl Scoreboard {
    /// The index that the next new segment gets.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub(super) fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(super) fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many segments there are, of which a train has several.
    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many are believed to be under way.
    pub(super) fn pipe(&self) -> usize {
        self.pipe
    }

    pub(super) fn sacked(&self) -> usize {
        self.sacked
    }

    pub(super) fn has_lost(&self) -> bool {
        self.lost > 0
    }

    pub(super) fn get(&self, index: u64) -> Option<&Entry> {
        self.entries
            .get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }

    fn get_mut(&mut self, index: u64) -> Option<&mut Entry> {
        let place = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(place)
    }

    /// A new segment is sent. Its index and number.
    pub(super) fn send(&mut self, at: Duration, len: u32, delivered: (u64, Duration)) -> (u64, u64) {
        let index = self.end();
        let number = self.next_number();
        let weight = segments(len);
        self.entries.push_back(Entry {
            len,
            weight,
            state: State::Flying,
            number,
            sent: at,
            delivered,
        });
        self.bytes += u64::from(len);
        self.segments += weight as usize;
        self.pipe += weight as usize;
        (index, number)
    }

    /// The length of the lost one that is sent again first.
    pub(super) fn first_lost(&mut self) -> Option<u32> {
        loop {
            let index = *self.to_send.front()?;
            match self.get(index) {
                Some(entry) if entry.state == State::Lost => return Some(entry.len),
                _ => self.to_send.pop_front(),
            };
        }
    }

    /// The first lost one is sent again; its index, number and length.
    pub(super) fn send_lost(&mut self, at: Duration, delivered: (u64, Duration)) -> Option<(u64, u64, u32)> {
        self.first_lost()?;
        let index = self.to_send.pop_front()?;
        let weight = self.get(index)?.weight as usize;
        self.lost -= weight;
        self.pipe += weight;
        self.again(index, at, delivered)
    }

    /// The last segment is sent again, to see whether the tail is lost.
    pub(super) fn send_last(&mut self, at: Duration, delivered: (u64, Duration)) -> Option<(u64, u64, u32)> {
        let index = self.end().checked_sub(1)?;
        let (state, weight) = self
            .get(index)
            .map(|entry| (entry.state, entry.weight as usize))?;
        match state {
            State::Flying | State::Again => {}
            State::Lost => {
                self.lost -= weight;
                self.pipe += weight;
            }
            State::Sacked => return None,
        }
        self.again(index, at, delivered)
    }

    fn again(&mut self, index: u64, at: Duration, delivered: (u64, Duration)) -> Option<(u64, u64, u32)> {
        let number = self.next_number();
        let entry = self.get_mut(index)?;
        entry.state = State::Again;
        entry.number = number;
        entry.sent = at;
        entry.delivered = delivered;
        let len = entry.len;
        self.sent_again.push_back((index, number));
        Some((index, number, len))
    }

    fn next_number(&mut self) -> u64 {
        let number = self.number;
        self.number += 1;
        number
    }

    /// All before `next` have arrived, and so has `index`, in transmission `number`.
    pub(super) fn acknowledge(&mut self, next: u64, index: u64, number: u64) -> News {
        let mut news = News::default();
        self.latest = self.latest.max(Some(number));
        if let Some(entry) = self.get_mut(index)
            && entry.state != State::Sacked
        {
            let before = std::mem::replace(&mut entry.state, State::Sacked);
            let weight = entry.weight;
            self.leave(before, weight);
            self.sacked += weight as usize;
            self.sacked_end = self.sacked_end.max(index + 1);
            news.delivered += weight;
        }
        while self.first < next {
            let Some(entry) = self.entries.pop_front() else {
                break;
            };
            self.first += 1;
            self.bytes -= u64::from(entry.len);
            self.segments -= entry.weight as usize;
            if entry.state == State::Sacked {
                self.sacked -= entry.weight as usize;
            } else {
                self.leave(entry.state, entry.weight);
                news.delivered += entry.weight;
            }
            news.advanced = true;
        }
        if self.entries.is_empty() && self.entries.capacity() > AT_REST {
            // One that has nothing to send keeps no memory for much.
            self.entries = VecDeque::new();
            self.to_send = VecDeque::new();
            self.sent_again = VecDeque::new();
        }
        self.sacked_end = self.sacked_end.max(self.first);
        self.judged = self.judged.max(self.first);
        news
    }

    fn leave(&mut self, state: State, weight: u32) {
        match state {
            State::Flying | State::Again => self.pipe -= weight as usize,
            State::Lost => self.lost -= weight as usize,
            State::Sacked => {}
        }
    }

    /// Whether enough has been delivered behind a hole to know that it is one.
    pub(super) fn is_certain(&self) -> bool {
        self.sacked >= DUP_THRESH
    }

    /// Takes for lost what has been overtaken: all that fly below a sacked one, but for those whose time
    /// of sending makes that doubtful, and what was sent again before the latest transmission that has
    /// been delivered. How many those are, and when the first doubtful one was sent.
    pub(super) fn judge(&mut self, is_doubtful: impl Fn(Duration) -> bool) -> (u32, Option<Duration>) {
        let mut lost = 0;
        let mut doubtful = None;
        while self.judged < self.sacked_end {
            let index = self.judged;
            let Some(entry) = self.get_mut(index) else {
                break;
            };
            if entry.state == State::Flying {
                if is_doubtful(entry.sent) {
                    doubtful = Some(entry.sent);
                    break;
                }
                entry.state = State::Lost;
                let weight = entry.weight;
                self.pipe -= weight as usize;
                self.lost += weight as usize;
                self.to_send.push_back(index);
                lost += weight;
            }
            self.judged += 1;
        }
        while let Some(&(index, number)) = self.sent_again.front() {
            let overtaken = self.latest.is_some_and(|latest| latest > number);
            let latest = self
                .get(index)
                .is_some_and(|it| it.state == State::Again && it.number == number);
            if latest && !overtaken {
                break;
            }
            self.sent_again.pop_front();
            if latest && let Some(entry) = self.get_mut(index) {
                entry.state = State::Lost;
                let weight = entry.weight;
                self.pipe -= weight as usize;
                self.lost += weight as usize;
                self.to_send.push_back(index);
                lost += weight;
            }
        }
        (lost, doubtful)
    }

    /// The timeout has come: everything that is not known to have arrived is lost.
    pub(super) fn lose_all(&mut self) {
        self.to_send.clear();
        self.sent_again.clear();
        self.pipe = 0;
        self.lost = 0;
        for (index, entry) in (self.first..).zip(&mut self.entries) {
            if entry.state != State::Sacked {
                entry.state = State::Lost;
                self.lost += entry.weight as usize;
                self.to_send.push_back(index);
            }
        }
        self.judged = self.end();
    }
}
