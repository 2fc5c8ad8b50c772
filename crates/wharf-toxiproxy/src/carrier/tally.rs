//! Bytes by proxy and addresses, also of links that are gone.

use std::collections::BTreeMap;

use wharf_relay::{LinkId, LinkStats};

/// The bytes of one proxy while it had these addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) proxy: String,
    pub(crate) listener: String,
    pub(crate) upstream: String,
    /// Bytes taken from clients, and from the upstream.
    pub(crate) received: [u64; 2],
    /// Bytes handed to the upstream, and to clients.
    pub(crate) sent: [u64; 2],
    /// Connections that found no upstream.
    pub(crate) refused: u64,
}

/// Addresses of one process. A test suite that asks for a new port each time makes a series each time; the oldest are
/// forgotten beyond this.
const MOST: usize = 10_000;

/// A counter that starts anew with each link, summed up. Series are in the order of their making.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    series: BTreeMap<u64, Series>,
    next: u64,
    /// What each link had carried when it was last looked at.
    seen: BTreeMap<LinkId, [u64; 5]>,
}

impl Tally {
    /// Adds what a link has carried since it was last looked at.
    pub(crate) fn note(
        &mut self,
        proxy: &str,
        listener: &str,
        upstream: &str,
        id: LinkId,
        stats: &LinkStats,
    ) {
        let now = [
            stats.taken_up,
            stats.taken_down,
            stats.bytes_up,
            stats.bytes_down,
            stats.refused,
        ];
        let before = self.seen.insert(id, now).unwrap_or_default();
        let Series {
            received: [received_up, received_down],
            sent: [sent_up, sent_down],
            refused,
            ..
        } = self.series_of(proxy, listener, upstream);
        let sums = [received_up, received_down, sent_up, sent_down, refused];
        for ((sum, now), before) in sums.into_iter().zip(now).zip(before) {
            *sum += now.saturating_sub(before);
        }
    }

    /// As [`Tally::note`], for the last time.
    pub(crate) fn close(
        &mut self,
        proxy: &str,
        listener: &str,
        upstream: &str,
        id: LinkId,
        stats: &LinkStats,
    ) {
        self.note(proxy, listener, upstream, id, stats);
        self.seen.remove(&id);
    }

    pub(crate) fn series(&self) -> Vec<Series> {
        self.series.values().cloned().collect()
    }

    fn series_of(&mut self, proxy: &str, listener: &str, upstream: &str) -> &mut Series {
        let is_it = |series: &Series| {
            series.proxy == proxy && series.listener == listener && series.upstream == upstream
        };
        let found = self
            .series
            .iter()
            .find(|(_, series)| is_it(series))
            .map(|(key, _)| *key);
        let key = found.unwrap_or(self.next);
        if found.is_none() {
            self.next += 1;
            if self.series.len() >= MOST {
                self.series.pop_first();
            }
        }
        self.series.entry(key).or_insert_with(|| Series {
            proxy: proxy.to_owned(),
            listener: listener.to_owned(),
            upstream: upstream.to_owned(),
            ..Series::default()
        })
    }
}
