//! Which outside port is taken.

use super::behaviour::PortAssignment;

/// Where ports end that only the privileged may have.
const WELL_KNOWN: u16 = 1024;

/// A free port for an inside one. Well-known ports get well-known ones, others others (RFC 4787, section
/// 4.2.1, REQ-3a). Each is tried once.
pub(super) fn choose(
    assignment: PortAssignment,
    inside: u16,
    counter: &mut u16,
    is_free: impl Fn(u16) -> bool,
) -> Option<u16> {
    let (first, last) = if inside < WELL_KNOWN {
        (1, WELL_KNOWN - 1)
    } else {
        (WELL_KNOWN, u16::MAX)
    };
    let count = u32::from(last - first) + 1;
    let from = match assignment {
        PortAssignment::Preserved | PortAssignment::PreservedParity => inside.max(first),
        PortAssignment::Counted => {
            *counter = counter.wrapping_add(1);
            first + (u32::from(*counter) % count) as u16
        }
    };
    let keeps_parity = assignment == PortAssignment::PreservedParity;
    let found = (0..count)
        .map(|step| first + ((u32::from(from - first) + step) % count) as u16)
        .filter(|port| !keeps_parity || port % 2 == inside % 2)
        .find(|port| is_free(*port))?;
    if assignment == PortAssignment::Counted {
        *counter = found - first;
    }
    Some(found)
}
