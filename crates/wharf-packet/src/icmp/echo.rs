//! The answer to a ping.

use crate::PacketMut;
use crate::checksum::updated;
use crate::layout::Version;
use crate::transport::{IcmpKind, Transport};
use crate::wire::{be16, set_be16};

/// The time to live that hosts begin with (RFC 1700; the default of Linux).
pub(super) const HOST_TTL: u8 = 64;

impl PacketMut<'_> {
    /// Makes of a ping its answer: addresses change places, type and time to live are those of a
    /// reply, and everything else comes back as it was sent (RFC 1122, section 3.2.2.6; RFC 4443,
    /// section 4.2). Says whether it was a ping, whole and to one host; else it is as it was.
    pub fn make_echo_reply(&mut self) -> bool {
        let packet = self.as_packet();
        let is_ping = matches!(packet.transport(),
            Transport::Icmp(icmp) if matches!(icmp.kind(), IcmpKind::EchoRequest(_)));
        if !is_ping || packet.fragment().is_some() || !super::refusal::is_single(packet.destination()) {
            return false;
        }
        let (addresses, reply) = match self.layout.version {
            Version::V4 => (12..20, 0),
            Version::V6 => (8..40, 129),
        };
        // A swap of words moves no sum: neither IPv4's nor the pseudo-header's.
        let (source, destination) = self.bytes[addresses.clone()].split_at_mut(addresses.len() / 2);
        source.swap_with_slice(destination);
        let at = self.layout.header_len;
        let old = be16(self.bytes, at);
        let new = u16::from_be_bytes([reply, self.bytes[at + 1]]);
        set_be16(self.bytes, at, new);
        let checksum = updated(be16(self.bytes, at + 2), old, new);
        set_be16(self.bytes, at + 2, checksum);
        self.set_ttl(HOST_TTL);
        true
    }
}
