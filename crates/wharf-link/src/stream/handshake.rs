//! What lost SYNs cost.

use std::time::Duration;

use super::segment::Fate;

/// The first wait, doubled each time (RFC 6298, 2.1 and 5.5): SYNs go out at 0, 1, 3, 7, 15, 31 and
/// 63 s.
const FIRST: Duration = Duration::from_secs(1);

/// As many SYNs as Linux sends (`tcp_syn_retries` is 6); it gives up after 127 s.
const SYNS: u32 = 7;

/// How a handshake went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Handshake {
    /// How much later it was done than without loss: 0, 1, 3, 7 … s.
    pub delay: Duration,
    /// How many SYNs got no answer.
    pub unanswered: u32,
}

/// A handshake over a link that loses packets: `fate` draws for each attempt what becomes of its SYN
/// and, if that arrives, of its SYN-ACK. `None`: nobody answers, and the client gives up 127 s after
/// it began.
///
/// The server's own timer, which sends a SYN-ACK again, is left out: it runs out at the same instant
/// as the client's, whose SYN asks for a SYN-ACK too. So is `tcp_syn_linear_timeouts` of Linux 6.5
/// and later, where the first four waits are of a second each: other systems have none of it.
///
/// ```
/// use std::time::Duration;
/// use wharf_link::stream::{Fate, handshake};
///
/// let first_two_are_lost = |attempt| if attempt < 2 { Fate::Lost } else { Fate::Delivered };
/// let handshake = handshake(first_two_are_lost).expect("the third is answered");
/// assert_eq!(handshake.delay, Duration::from_secs(3));
/// ```
pub fn handshake(mut fate: impl FnMut(u32) -> Fate) -> Option<Handshake> {
    (0..SYNS)
        .find(|&attempt| fate(attempt) != Fate::Lost)
        .map(|unanswered| Handshake {
            delay: FIRST * ((1 << unanswered) - 1),
            unanswered,
        })
}

/// After how long a client that gets no answer gives up (`ETIMEDOUT`).
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs((1 << SYNS) - 1);
