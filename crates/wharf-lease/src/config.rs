//! What a user may choose about leases.

use wharf_facts::PortRange;

use crate::avoid::NODE_PORTS;

/// How a [`crate::Registry`] goes about its work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegistryConfig {
    /// The ports that may be leased.
    pub range: LeaseRange,
    /// What stands behind a lease.
    pub hold: HoldPolicy,
}

/// The ports that may be leased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LeaseRange {
    /// From 20000 up to just below the ports that the kernel gives out by itself, and not those of
    /// Kubernetes' node ports.
    #[default]
    BelowEphemeral,
    /// These, whatever the kernel's own range is.
    Exactly(PortRange),
}

/// What stands behind a hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HoldPolicy {
    /// Sockets that are bound and do not listen, on Linux. Elsewhere as [`HoldPolicy::RowOnly`].
    #[default]
    Bind,
    /// Only the row in the registry, which binds nobody but Wharf. It is there to show, in a test,
    /// what the sockets are good for.
    RowOnly,
}

impl HoldPolicy {
    /// Whether holds are sockets, on this system.
    pub(crate) fn binds(self) -> bool {
        self == Self::Bind && cfg!(target_os = "linux")
    }
}

/// Where leases begin, if the kernel's own range leaves the room.
const FIRST: u16 = 20_000;
/// Where they end at the latest: above begins the usual ephemeral range (32768).
const LAST: u16 = 32_767;
/// A range smaller than this is not worth having.
const ENOUGH: u16 = 1_000;

impl LeaseRange {
    /// The range in figures, where `floor` is the least port that the kernel gives out by itself.
    pub(crate) fn resolve(self, floor: Option<u16>) -> PortRange {
        let (first, last) = match self {
            Self::Exactly(range) => return range,
            Self::BelowEphemeral => {
                let last = floor.map_or(LAST, |floor| floor.saturating_sub(1).min(LAST));
                if last >= FIRST + ENOUGH {
                    (FIRST, last)
                } else if last >= FIRST / 2 + ENOUGH {
                    (FIRST / 2, last)
                } else {
                    // The kernel gives out (nearly) every port. Then the hold alone must do.
                    (FIRST, NODE_PORTS.0 - 1)
                }
            }
        };
        // Both arms above have a last port beyond the first, which is not 0.
        PortRange::new(first, last).unwrap_or_else(|_| unreachable!("{first} <= {last}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(floor: Option<u16>, expected: &str) {
        assert_eq!(
            LeaseRange::BelowEphemeral.resolve(floor).to_string(),
            expected,
            "{floor:?}"
        );
    }

    #[test]
    fn the_range_ends_below_the_ephemeral_floor() {
        check(Some(32768), "20000-32767");
        check(Some(49152), "20000-32767");
        check(None, "20000-32767");
        check(Some(25000), "20000-24999");
        check(Some(21001), "20000-21000");
        check(Some(20001), "10000-20000");
        check(Some(11001), "10000-11000");
        check(Some(1024), "20000-29999");
        check(Some(1), "20000-29999");
        check(Some(0), "20000-29999");
        let exactly: PortRange = "5-6".parse().expect("a range");
        assert_eq!(LeaseRange::Exactly(exactly).resolve(Some(1)), exactly);
    }
}
