//! Whether the kernel would give a port out by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Seen, Settings};

/// Whether and when the kernel gives a port out to those who ask for any. Free ports only: who
/// uses it now is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allocation {
    /// To `bind` with port 0.
    pub bind: Turn,
    /// To `connect` without a bind before.
    pub connect: Turn,
}

/// When a port's turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Never: it is outside the range.
    OutsideRange,
    /// Never: the administrator reserved it.
    Reserved,
    /// Among the first.
    First,
    /// Once all ports of the other parity are taken.
    Last,
}

impl Turn {
    /// Whether it can come at all.
    #[must_use]
    pub fn comes(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }
}

impl Allocation {
    /// Whether the kernel that has `settings` gives `port` out.
    ///
    /// `connect` tries the ports of the parity of the range's first one first, `bind` the others,
    /// so that they do not meet (net/ipv4/inet_hashtables.c: `__inet_hash_connect`,
    /// net/ipv4/inet_connection_sock.c: `inet_csk_find_open_port`).
    #[must_use]
    pub fn of(port: u16, settings: &Settings) -> Seen<Self> {
        let range = match &settings.ephemeral {
            Seen::Known(range) => *range,
            Seen::Unknown(why) => return Seen::unknown(why),
        };
        let both = |turn| {
            Seen::Known(Self {
                bind: turn,
                connect: turn,
            })
        };
        if !range.contains(port) {
            return both(Turn::OutsideRange);
        }
        match &settings.reserved {
            Seen::Known(reserved) if reserved.iter().any(|range| range.contains(port)) => {
                return both(Turn::Reserved);
            }
            Seen::Known(_) => {}
            Seen::Unknown(why) => return Seen::unknown(why),
        }
        let (bind, connect) = if port % 2 == range.first() % 2 {
            (Turn::Last, Turn::First)
        } else {
            (Turn::First, Turn::Last)
        };
        Seen::Known(Self { bind, connect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(port: u16, bind: Turn, connect: Turn) {
        let settings = Settings {
            ephemeral: Seen::Known("32768-60999".parse().expect("a range")),
            reserved: Seen::Known(vec!["40000-40001".parse().expect("a range")]),
            ..Settings::default()
        };
        assert_eq!(
            Allocation::of(port, &settings),
            Seen::Known(Allocation { bind, connect }),
            "{port}"
        );
    }

    #[test]
    fn parity_decides_whose_turn_it_is() {
        check(3000, Turn::OutsideRange, Turn::OutsideRange);
        check(62893, Turn::OutsideRange, Turn::OutsideRange);
        check(32768, Turn::Last, Turn::First);
        check(60999, Turn::First, Turn::Last);
        check(40000, Turn::Reserved, Turn::Reserved);
    }

    #[test]
    fn an_unknown_range_is_no_promise() {
        assert!(!Allocation::of(80, &Settings::default()).is_known());
    }
}
