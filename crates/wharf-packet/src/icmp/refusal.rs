//! About which packets no error may be sent (RFC 1122, section 3.2.2; RFC 1812, section 4.3.2.7;
//! RFC 4443, section 2.4 (e)).

use std::net::IpAddr;

use super::Problem;
use crate::layout::Version;
use crate::segment::TooSmall;
use crate::transport::{IcmpKind, Transport};
use crate::{Packet, Protocol};

/// Why no ICMP error is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It would be about an ICMP error, or a redirect: errors would breed errors.
    #[error("make ICMP error: the packet is an ICMP error itself")]
    AboutError,
    /// It would be about a fragment that is not the first: one error a packet is enough.
    #[error("make ICMP error: the packet is a fragment that is not the first")]
    LaterFragment,
    /// It would be about a packet to many, each of whom would answer.
    #[error("make ICMP error: the packet goes to {0}, which is not a single host")]
    Destination(IpAddr),
    /// It would go to many, or to nobody.
    #[error("make ICMP error: the packet comes from {0}, which is not a single host")]
    Source(IpAddr),
    /// The one who answers has an address of the other family.
    #[error("make ICMP error: {0} is not of the packet's family")]
    Family(IpAddr),
    /// The buffer does not take it.
    #[error("make ICMP error: {0}")]
    TooSmall(#[from] TooSmall),
}

/// Whether an error of this kind may be sent about this packet.
pub(super) fn check(about: &Packet<'_>, problem: Problem) -> Result<(), Refusal> {
    if about.layout().is_later_fragment() {
        return Err(Refusal::LaterFragment);
    }
    if is_error(about) {
        return Err(Refusal::AboutError);
    }
    let (source, destination) = (about.source(), about.destination());
    if !is_single(source) || source.is_loopback() {
        return Err(Refusal::Source(source));
    }
    // RFC 4443, section 2.4 (e.3): so that path-MTU discovery works for multicast.
    let too_big_v6 = matches!(problem, Problem::TooBig { .. }) && about.version() == Version::V6;
    if !is_single(destination) && !too_big_v6 {
        return Err(Refusal::Destination(destination));
    }
    Ok(())
}

/// Whether it is an ICMP error, or what may be one: a message that is cut off.
fn is_error(about: &Packet<'_>) -> bool {
    /// The redirect of ICMPv6 has the number of no error (RFC 4443, section 2.4 (e.2)).
    const REDIRECT: u8 = 137;
    match about.transport() {
        Transport::Icmp(icmp) => match icmp.kind() {
            IcmpKind::Error => true,
            IcmpKind::Other => about.version() == Version::V6 && icmp.kind_number() == REDIRECT,
            IcmpKind::EchoRequest(_) | IcmpKind::EchoReply(_) => false,
        },
        Transport::Truncated(protocol) => protocol.is_icmp(),
        // The other family's ICMP means nothing here, but is ICMP to whoever made it.
        Transport::Other(protocol) => matches!(protocol, Protocol::ICMP | Protocol::ICMPV6),
        _ => false,
    }
}

/// Whether an address is one host's: not zero, not multicast, not broadcast, not of the reserved class E. The
/// broadcast address of a subnet looks like any other, and only who knows the subnet can tell.
pub(super) fn is_single(address: IpAddr) -> bool {
    let reserved = match address {
        IpAddr::V4(address) => address.octets()[0] >= 240,
        IpAddr::V6(_) => false,
    };
    !address.is_unspecified() && !address.is_multicast() && !reserved
}
