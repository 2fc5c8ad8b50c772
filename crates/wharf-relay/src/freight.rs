//! What passes a segment: parcels of streams, and datagrams.
//!
//! Both stand in one queue and share one rate. A full queue keeps a parcel waiting, as its sender would
//! wait; a datagram it drops.

use wharf_link::Packet;

use crate::datagram::Datagram;
use crate::flow::Parcel;
use crate::key::Key;

#[derive(Debug)]
pub(crate) enum Freight {
    Parcel(Parcel),
    /// With how often the segment had been cut when it came: a cut loses what is under way.
    Datagram(Datagram, u32),
}

/// Whose turn it is where things wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    Connection(Key),
    /// Of datagrams, whichever link they are of.
    Flow(Key),
}

impl Freight {
    pub(crate) fn party(&self) -> Party {
        match self {
            Self::Parcel(parcel) => Party::Connection(parcel.connection),
            Self::Datagram(datagram, _) => Party::Flow(datagram.flow),
        }
    }
}

impl Party {
    pub(crate) fn is_connection(self) -> bool {
        matches!(self, Self::Connection(_))
    }
}

/// Tells flows of datagrams from connections, whose numbers are of a row of their own.
const DATAGRAMS: u64 = 1 << 32;

impl Packet for Freight {
    fn len(&self) -> usize {
        match self {
            Self::Parcel(parcel) => parcel.len(),
            Self::Datagram(datagram, _) => datagram.len(),
        }
    }

    fn flow(&self) -> u64 {
        match self {
            Self::Parcel(parcel) => parcel.flow(),
            Self::Datagram(datagram, _) => datagram.flow() | DATAGRAMS,
        }
    }

    fn ecn(&self) -> bool {
        match self {
            Self::Parcel(parcel) => parcel.ecn(),
            Self::Datagram(datagram, _) => datagram.ecn(),
        }
    }
}
