//! Holding a port for a script that starts its server soon: `wharf port --hold N`.

use std::time::{Duration, Instant};

use wharf_host::sockets;

use crate::Hold;

/// How often the kernel is asked whether a server listens: one question costs it well under a
/// millisecond.
const INTERVAL: Duration = Duration::from_millis(50);

/// Why a hold ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A server listens on the port: it is held by that now.
    Listening,
    /// Nobody came in time.
    Expired,
}

/// Keeps `hold` until a server listens over it, at most for `duration`; then gives it up.
#[expect(clippy::needless_pass_by_value, reason = "the hold is given up here")]
pub fn hold_until(hold: Hold, duration: Duration) -> Ended {
    let begun = Instant::now();
    let addresses = hold.addresses();
    loop {
        // A question without an answer is no reason to give the port up.
        let listens = sockets::listeners().is_ok_and(|listeners| {
            listeners
                .iter()
                .any(|listener| addresses.iter().any(|&address| listener.covers(address)))
        });
        if listens {
            return Ended::Listening;
        }
        let left = duration.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ended::Expired;
        }
        std::thread::sleep(left.min(INTERVAL));
    }
}
