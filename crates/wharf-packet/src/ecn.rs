//! Explicit congestion notification.

/// The two bits of RFC 3168, section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// The sender does not understand marks: a router that is congested drops.
    NotEct,
    /// The sender understands them. L4S senders say it so (RFC 9331).
    Ect1,
    /// The sender understands them.
    Ect0,
    /// A router was congested.
    Ce,
}

impl Ecn {
    pub(crate) fn of_traffic_class(class: u8) -> Self {
        match class & 3 {
            0 => Self::NotEct,
            1 => Self::Ect1,
            2 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// Whether a mark is understood, so that it may be set in place of a drop.
    #[must_use]
    pub fn is_capable(self) -> bool {
        self != Self::NotEct
    }
}
