//! What a stage counts.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Figures of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StageStats {
    /// Connections now.
    pub connections: u64,
    /// Connections that were ever let in.
    pub total_connections: u64,
    /// Connections whose bytes turned out not to be HTTP, from some point on. Tunnels (WebSocket, CONNECT) are none.
    pub unread: u64,
    /// Requests whose head was read.
    pub requests: u64,
    /// Requests that a rule answered itself.
    pub answered: u64,
    /// Answers that were held back.
    pub delayed: u64,
    /// Bodies that were broken off.
    pub truncated: u64,
    /// Bodies that were stalled.
    pub stalled: u64,
    /// Requests that were dropped.
    pub dropped: u64,
    /// How often each rule decided, in their order. From zero again at each change of the rules.
    pub rules: Vec<u64>,
    /// Dials that the provider refused, or where no address was to be had.
    pub refused: u64,
    /// Dials that nobody answered in time.
    pub dial_timeouts: u64,
    /// TLS handshakes that failed: a wrong name, an untrusted certificate, no TLS at all.
    pub tls_failures: u64,
    /// Connections that were reset because there were too many.
    pub shed: u64,
    /// Connections that were reset because their peer may not come in.
    pub strangers: u64,
    /// Why the latest dial failed.
    pub last_failure: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: AtomicU64,
    pub(crate) total_connections: AtomicU64,
    pub(crate) unread: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) answered: AtomicU64,
    pub(crate) delayed: AtomicU64,
    pub(crate) truncated: AtomicU64,
    pub(crate) stalled: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) dial_timeouts: AtomicU64,
    pub(crate) tls_failures: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) strangers: AtomicU64,
    pub(crate) last_failure: Mutex<Option<String>>,
}

impl Tally {
    pub(crate) fn one_more(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn one_less(counter: &AtomicU64) {
        counter.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self, rules: Vec<u64>) -> StageStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StageStats {
            connections: read(&self.connections),
            total_connections: read(&self.total_connections),
            unread: read(&self.unread),
            requests: read(&self.requests),
            answered: read(&self.answered),
            delayed: read(&self.delayed),
            truncated: read(&self.truncated),
            stalled: read(&self.stalled),
            dropped: read(&self.dropped),
            rules,
            refused: read(&self.refused),
            dial_timeouts: read(&self.dial_timeouts),
            tls_failures: read(&self.tls_failures),
            shed: read(&self.shed),
            strangers: read(&self.strangers),
            last_failure: self
                .last_failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}
