//! Who gets which address.
//!
//! | where | IPv4 | why |
//! | --- | --- | --- |
//! | behind no translator | 198.18.0.0/15 | for tests of network devices (RFC 2544, RFC 6815): nobody's network has it, so that a lab never hides a real one; and programs take it for public, as they should there |
//! | behind a translator | 10.0.0.0/8 | private (RFC 1918): programs that look for private addresses find them |
//! | behind a carrier's translator | 100.64.0.0/10 | shared (RFC 6598) |
//!
//! | everywhere | IPv6 | why |
//! | --- | --- | --- |
//! | | fd77:6861:7266::/48 | unique local (RFC 4193); the global ID is `wharf` in ASCII |
//!
//! A segment has one /24 and one /64. Which, follows from a hash of its name, so that an address stays
//! when other segments come and go; where two hashes meet, the name that is later in order takes the next
//! free block. A node's place in the segment's list, from 1, is the end of both addresses: whoever is
//! added at the end moves nobody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::TopologyError;
use crate::prefix::Prefix;
use crate::realm::Space;
use crate::topology::Topology;

/// How many nodes a /24 has addresses for.
const MOST_NODES: usize = 254;

const ULA: u128 = 0xfd77_6861_7266 << 80;

/// The blocks of addresses of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnets {
    /// A /24.
    pub v4: Prefix,
    /// A /64.
    pub v6: Prefix,
}

impl Subnets {
    /// None yet.
    pub(crate) const NONE: Self = Self {
        v4: Prefix::ALL_V4,
        v6: Prefix::ALL_V6,
    };

    /// Both, IPv4 first.
    #[must_use]
    pub fn both(&self) -> [Prefix; 2] {
        [self.v4, self.v6]
    }

    /// The addresses of the node at this place in the list, IPv4 first.
    pub(crate) fn addresses(&self, place: usize) -> [IpAddr; 2] {
        let host = u8::try_from(place + 1).unwrap_or(u8::MAX);
        self.both().map(|subnet| match subnet.address() {
            IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits() | u32::from(host)).into(),
            IpAddr::V6(first) => Ipv6Addr::from_bits(first.to_bits() | u128::from(host)).into(),
        })
    }
}

impl Space {
    /// Its first address, and how many /24 it has.
    fn block(self) -> (u32, usize) {
        match self {
            Self::Public => (u32::from_be_bytes([198, 18, 0, 0]), 1 << 9),
            Self::Carrier => (u32::from_be_bytes([100, 64, 0, 0]), 1 << 14),
            Self::Private => (u32::from_be_bytes([10, 0, 0, 0]), 1 << 16),
        }
    }
}

/// Gives every segment its blocks and every interface its addresses.
pub(crate) fn give_out(topology: &mut Topology) -> Result<(), TopologyError> {
    let mut taken = [Space::Public, Space::Carrier, Space::Private].map(|space| vec![false; space.block().1]);
    let mut taken_v6 = vec![false; 1 << 16];
    for index in 0..topology.segments.len() {
        let space = topology.realms.space(crate::topology::SegmentId(index));
        let segment = &mut topology.segments[index];
        if segment.nodes.len() > MOST_NODES {
            return Err(TopologyError::TooMany {
                what: "nodes on one segment",
                count: segment.nodes.len(),
                most: MOST_NODES,
            });
        }
        let hash = fnv1a(segment.name.as_bytes());
        let (first, _) = space.block();
        let number = take(&mut taken[space as usize], hash)?;
        let v4 = Ipv4Addr::from_bits(first | (number as u32) << 8);
        let number = take(&mut taken_v6, hash)?;
        let v6 = Ipv6Addr::from_bits(ULA | (number as u128) << 64);
        segment.subnets = Subnets {
            v4: Prefix::around(v4.into(), 24),
            v6: Prefix::around(v6.into(), 64),
        };
    }
    let Topology { nodes, segments, .. } = topology;
    for interface in nodes.iter_mut().flat_map(|node| &mut node.interfaces) {
        interface.addresses = segments[interface.segment.0].subnets.addresses(interface.place);
    }
    Ok(())
}

/// The first free place from where the hash points, round and round. The block of number zero is left
/// out: its addresses look like the space itself.
fn take(taken: &mut [bool], hash: u32) -> Result<usize, TopologyError> {
    let start = hash as usize % taken.len();
    let mut order = (start..taken.len()).chain(1..start);
    let found = order.find(|place| !taken[*place] && *place > 0);
    let found = found.ok_or(TopologyError::TooMany {
        what: "segments in one space of addresses",
        count: taken.len(),
        most: taken.len() - 1,
    })?;
    taken[found] = true;
    Ok(found)
}

/// FNV-1a of 32 bits: a hash that is the same on every machine and in every release.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
