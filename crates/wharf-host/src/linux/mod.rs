//! Linux: netlink and `/proc`.

mod cgroup;
mod cgroup_tree;
mod counters;
mod descriptors;
mod detail;
mod holders;
mod inet_diag;
mod interfaces;
mod machine;
mod namespaces;
mod netlink;
mod procfs;
mod settings;
mod sock_diag;
mod stat;
mod users;

pub(crate) use cgroup_tree::cgroup_paths;
pub(crate) use counters::counters;
pub(crate) use detail::Reader;
pub(crate) use holders::holders;
pub(crate) use interfaces::interfaces;
pub(crate) use machine::{limits, system, viewer};
pub(crate) use namespaces::namespaces;

pub(crate) use procfs::{
    cgroup_id, children, describe, environ_value, is_alive, processes, socket_inodes, start_time,
};
pub(crate) use settings::{
    about_ports, all as settings, ephemeral_range, reserved_ports, unprivileged_start,
};
pub(crate) use sock_diag::{Entry, Wanted, entries, sockets, tcp_connection};

/// A small generator for tests that feed the parsers bytes no kernel would send.
#[cfg(test)]
mod noise {
    /// Xorshift, by Marsaglia: the same bytes at each run.
    pub(super) struct Noise(u64);

    impl Noise {
        pub(super) fn new(seed: u64) -> Self {
            Self(seed | 1)
        }

        pub(super) fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        pub(super) fn below(&mut self, limit: usize) -> usize {
            (self.next() % limit.max(1) as u64) as usize
        }

        pub(super) fn bytes(&mut self, limit: usize) -> Vec<u8> {
            (0..self.below(limit)).map(|_| self.next() as u8).collect()
        }

        /// `good` with some of its bytes changed, and often cut short.
        pub(super) fn spoil(&mut self, good: &[u8]) -> Vec<u8> {
            let mut bad = good.to_vec();
            for _ in 0..=self.below(4) {
                let index = self.below(bad.len());
                bad[index] = self.next() as u8;
            }
            if self.below(2) == 0 {
                bad.truncate(self.below(bad.len()));
            }
            bad
        }
    }
}
