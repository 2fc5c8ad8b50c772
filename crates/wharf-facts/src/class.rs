//! What kind of number a port is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The class of a port (RFC 6335, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortClass {
    /// 0 to 1023: assigned by standards action; on most systems bound by the privileged only.
    System,
    /// 1024 to 49151: assigned on request.
    User,
    /// 49152 to 65535: never assigned. Which ports a kernel really gives out is another matter:
    /// see [`crate::Settings::ephemeral`].
    Dynamic,
}

impl PortClass {
    /// The class of `port`.
    #[must_use]
    pub fn of(port: u16) -> Self {
        match port {
            0..=1023 => Self::System,
            1024..=49151 => Self::User,
            49152.. => Self::Dynamic,
        }
    }
}

/// The ports that browsers refuse to connect to (Fetch standard, "port blocking": bad ports), in
/// order. Chrome says `ERR_UNSAFE_PORT`; Safari follows another list.
#[rustfmt::skip]
pub const BROWSER_BLOCKED: &[u16] = &[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10080,
];

/// Whether browsers refuse to connect to `port`.
#[must_use]
pub fn is_browser_blocked(port: u16) -> bool {
    BROWSER_BLOCKED.binary_search(&port).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_meet_without_a_gap() {
        let class = |port| PortClass::of(port);
        assert_eq!((class(1023), class(1024)), (PortClass::System, PortClass::User));
        assert_eq!(
            (class(49151), class(49152)),
            (PortClass::User, PortClass::Dynamic)
        );
    }

    #[test]
    fn blocked_ports_are_sorted_and_found() {
        assert!(BROWSER_BLOCKED.is_sorted_by(|a, b| a < b));
        assert!(is_browser_blocked(6000) && is_browser_blocked(10080));
        assert!(!is_browser_blocked(3000) && !is_browser_blocked(8080));
    }
}
