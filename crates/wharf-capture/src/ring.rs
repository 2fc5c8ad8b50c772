//! The last exchanges of a link.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::Exchange;

/// How much a ring holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLimits {
    /// So many exchanges.
    pub exchanges: usize,
    /// So much memory, about.
    pub bytes: usize,
}

impl Default for RingLimits {
    fn default() -> Self {
        Self {
            exchanges: 1_000,
            bytes: 2 << 20,
        }
    }
}

/// The last exchanges, numbered from 0 in the order in which they ended. The oldest make room.
#[derive(Debug)]
pub struct Ring {
    limits: RingLimits,
    exchanges: VecDeque<Exchange>,
    bytes: usize,
    /// The number that the next one gets.
    next: u64,
}

/// What a reader of a ring has not seen yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// The number of the first of `exchanges`. Greater than what was asked for, if that has gone.
    pub first: u64,
    /// The number to ask with next.
    pub next: u64,
    /// The exchanges, in the order in which they ended.
    pub exchanges: Vec<Exchange>,
}

impl Ring {
    /// An empty ring.
    #[must_use]
    pub fn new(limits: RingLimits) -> Self {
        Self {
            limits,
            exchanges: VecDeque::new(),
            bytes: 0,
            next: 0,
        }
    }

    /// Adds an exchange. One that is larger than the whole ring is only counted.
    pub fn push(&mut self, exchange: Exchange) {
        self.next = self.next.saturating_add(1);
        self.bytes += exchange.weight();
        self.exchanges.push_back(exchange);
        while self.exchanges.len() > self.limits.exchanges || self.bytes > self.limits.bytes {
            let Some(oldest) = self.exchanges.pop_front() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(oldest.weight());
        }
    }

    /// What has come since the reader was told that `since` is next.
    #[must_use]
    pub fn since(&self, since: u64) -> News {
        let oldest = self.next - self.exchanges.len() as u64;
        // A reader from before a ring that was begun anew gets all of it.
        let since = if since > self.next { 0 } else { since };
        let first = since.max(oldest);
        let skip = usize::try_from(first - oldest).unwrap_or(usize::MAX);
        News {
            first,
            next: self.next,
            exchanges: self.exchanges.iter().skip(skip).cloned().collect(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exchanges.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// The memory that they take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
