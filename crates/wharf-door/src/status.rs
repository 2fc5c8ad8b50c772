//! What a door does just now, for whoever holds its handle.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The part a door plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Another process serves; this one is ready to take over. [`DoorHandle::owner`](crate::DoorHandle::owner) says who serves.
    Waiting,
    /// This process serves the door's own port.
    Serving {
        /// Where.
        addresses: Vec<SocketAddr>,
        /// The family that could not be had, if so.
        lost: Vec<Lost>,
    },
    /// The door's own port is taken: this process serves on a lease.
    Elsewhere {
        /// Where.
        addresses: Vec<SocketAddr>,
        /// Why not on the door's own addresses.
        lost: Vec<Lost>,
    },
    /// It was this door's turn, and it could serve nowhere.
    Failed {
        /// Why.
        why: String,
    },
    /// The door has been shut by [`DoorHandle::exit`](crate::DoorHandle::exit).
    Gone,
}

impl Role {
    /// Whether this process serves, wherever.
    pub fn serves(&self) -> bool {
        matches!(self, Self::Serving { .. } | Self::Elsewhere { .. })
    }
}

/// An address of the door that could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The address.
    pub address: SocketAddr,
    /// What the system said, and who has the address, if that can be seen.
    pub why: String,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bind {}: {}", self.address, self.why)
    }
}

/// How an orderly exit went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExitReport {
    /// The process that took the listeners over.
    pub passed_to: Option<u32>,
    /// Connections that had to be cut: tunnels, event streams, and what the time for draining did not suffice for.
    pub cut: usize,
}

/// What a door has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections accepted and served.
    pub connections: u64,
    /// Connections closed at accept because there were too many.
    pub shed: u64,
    /// Connections closed at accept because of whose they were.
    pub strangers: u64,
    /// Requests.
    pub requests: u64,
    /// Requests that the guard refused.
    pub refused: u64,
    /// Requests that no service answered.
    pub failed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) strangers: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) failed: AtomicU64,
}

impl Tally {
    pub(crate) fn one_more(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            connections: read(&self.connections),
            shed: read(&self.shed),
            strangers: read(&self.strangers),
            requests: read(&self.requests),
            refused: read(&self.refused),
            failed: read(&self.failed),
        }
    }
}

/// The role, written by the door's thread and read by the handle.
#[derive(Debug)]
pub(crate) struct Status {
    role: Mutex<Role>,
    changed: Condvar,
    pub(crate) tally: Tally,
}

impl Status {
    pub(crate) fn new() -> Self {
        Self {
            role: Mutex::new(Role::Waiting),
            changed: Condvar::new(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn role(&self) -> Role {
        self.role.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, role: Role) {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = role;
        self.changed.notify_all();
    }

    pub(crate) fn wait_until(&self, patience: Duration, wanted: impl Fn(&Role) -> bool) -> bool {
        let until = Instant::now() + patience;
        let mut role = self.role.lock().unwrap_or_else(PoisonError::into_inner);
        while !wanted(&role) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            role = self
                .changed
                .wait_timeout(role, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}
