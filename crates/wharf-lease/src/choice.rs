//! Which port a new lease gets.

use std::collections::HashSet;

use wharf_facts::PortRange;

use crate::avoid::Avoid;
use crate::{Error, Result};

/// The ports of a range, each once, from the one that `hash` points at and around.
///
/// The same key begins at the same port on every machine: so a checkout that is cloned anew, or
/// whose registry was lost, most likely gets the port that it had.
pub(crate) fn candidates(range: PortRange, hash: u64) -> impl Iterator<Item = u16> {
    let count = range.count();
    let start = (hash % u64::from(count)) as u32;
    (0..count).map(move |step| {
        // Below `count`, which fits a port's 16 bits or is 65535 at most.
        range.first() + ((start + step) % count) as u16
    })
}

/// The first candidate that is not avoided, not taken, and that `attempt` gets; with what it got.
pub(crate) fn choose<T>(
    range: PortRange,
    hash: u64,
    avoid: &Avoid,
    taken: &HashSet<u16>,
    mut attempt: impl FnMut(u16) -> Result<Option<T>>,
) -> Result<(u16, T)> {
    let mut busy = 0;
    for port in candidates(range, hash) {
        if taken.contains(&port) || avoid.reason(port).is_some() {
            continue;
        }
        match attempt(port)? {
            Some(got) => return Ok((port, got)),
            None => busy += 1,
        }
    }
    let leased = taken.iter().filter(|&&port| range.contains(port)).count();
    Err(Error::Exhausted { range, leased, busy })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::avoid::NodePorts;

    fn range(text: &str) -> PortRange {
        text.parse().expect("a range")
    }

    proptest! {
        #[test]
        fn each_port_comes_once(first in 1u16.., length in 0u16..500, hash: u64) {
            let range = PortRange::new(first, first.saturating_add(length)).expect("a range");
            let mut ports: Vec<u16> = candidates(range, hash).collect();
            ports.sort_unstable();
            prop_assert_eq!(ports, range.ports().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_widest_range_comes_whole_too() {
        let all: HashSet<u16> = candidates(range("1-65535"), u64::MAX).collect();
        assert_eq!(all.len(), 65535);
    }

    #[test]
    fn what_is_avoided_taken_or_busy_is_passed_over() {
        let avoid = Avoid::new(vec![range("21003")], NodePorts::Usable);
        let taken = HashSet::from([21000, 21001]);
        let attempt = |port| Ok((port != 21002).then_some(()));
        let found = choose(range("21000-21004"), 0, &avoid, &taken, attempt).expect("a port");
        assert_eq!(found.0, 21004);
        let error = choose(range("21000-21003"), 0, &avoid, &taken, attempt).expect_err("none");
        assert_eq!(
            error.to_string(),
            "choose a port: none of 21000-21003 is free (2 leased, 1 in use, the rest are other \
             programs' by custom); `wharf release` frees leases"
        );
    }
}
