//! Which conversation a packet belongs to.

use std::net::{IpAddr, SocketAddr};

use crate::transport::{IcmpKind, Transport};
use crate::{Packet, Protocol};

/// What tells a conversation from all others: the protocol and both ends.
///
/// A ping has an identifier where others have two ports. It stands in the port of whoever asked, at
/// both ways of the conversation, so that NAT can treat it like any port (RFC 5508, section 3.1); the
/// other port is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// What is spoken.
    pub protocol: Protocol,
    /// Where the packet comes from.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
}

impl FiveTuple {
    /// That of the answers.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
        }
    }
}

impl Packet<'_> {
    /// Its conversation. None for later fragments, ICMP errors, and protocols without ports.
    #[must_use]
    pub fn five_tuple(&self) -> Option<FiveTuple> {
        let [source, destination] = self.end_points()?;
        Some(FiveTuple {
            protocol: self.protocol(),
            source: SocketAddr::new(self.source(), source),
            destination: SocketAddr::new(self.destination(), destination),
        })
    }

    /// The ports, or what is in their place.
    fn end_points(&self) -> Option<[u16; 2]> {
        if !self.protocol().is_icmp() {
            return self.ports();
        }
        let Transport::Icmp(icmp) = self.transport() else {
            return None;
        };
        match icmp.kind() {
            IcmpKind::EchoRequest(id) => Some([id, 0]),
            IcmpKind::EchoReply(id) => Some([0, id]),
            IcmpKind::Error | IcmpKind::Other => None,
        }
    }

    /// A number for its flow, for queues that treat flows fairly (RFC 8290, section 4.1): a hash of
    /// the five-tuple. All fragments of one conversation, the first too, and all ICMP errors between
    /// two addresses are one flow by protocol and addresses, so that none overtakes its siblings.
    ///
    /// The same on every platform and in every run. It is no defence against senders who look for
    /// collisions; a queue that wants one mixes a secret in.
    #[must_use]
    pub fn flow(&self) -> u64 {
        let ports = match self.fragment() {
            Some(_) => [0; 2],
            None => self.end_points().unwrap_or_default(),
        };
        let ports = u64::from(ports[0]) << 16 | u64::from(ports[1]);
        let mut hash = mixed(ports << 8 | u64::from(self.protocol().0), 0);
        for address in [self.source(), self.destination()] {
            let bits = match address {
                IpAddr::V4(address) => u128::from(address.to_bits()),
                IpAddr::V6(address) => address.to_bits(),
            };
            hash = mixed((bits >> 64) as u64, hash);
            hash = mixed(bits as u64, hash);
        }
        hash
    }
}

/// One round of multiplying and folding, as in wyhash. The constants are the golden ratio's and pi's
/// digits: odd numbers without a pattern.
fn mixed(value: u64, hash: u64) -> u64 {
    const PHI: u64 = 0x9E37_79B9_7F4A_7C15;
    const PI: u64 = 0x2436_A885_A308_D313;
    let product = u128::from(value ^ hash ^ PHI) * u128::from(hash.wrapping_add(PI));
    (product >> 64) as u64 ^ product as u64
}
