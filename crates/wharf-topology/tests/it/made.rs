//! Packets as etherparse makes them.

use std::net::SocketAddrV4;

use etherparse::PacketBuilder;
use wharf_packet::{Packet, PacketMut, Verdict};

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Udp,
    Syn,
    SynAck,
    Ack,
    Fin,
    Rst,
    Ping,
    Pong,
}

pub(crate) fn end(text: &str) -> SocketAddrV4 {
    text.parse().expect(text)
}

/// A packet from one end to another. A ping's identifier is its sender's port, a reply's its receiver's.
pub(crate) fn packet(kind: Kind, from: SocketAddrV4, to: SocketAddrV4) -> Vec<u8> {
    let mut bytes = Vec::new();
    let ip = PacketBuilder::ipv4(from.ip().octets(), to.ip().octets(), 64);
    let data = b"some data";
    match kind {
        Kind::Udp => ip.udp(from.port(), to.port()).write(&mut bytes, data),
        Kind::Ping => ip.icmpv4_echo_request(from.port(), 1).write(&mut bytes, data),
        Kind::Pong => ip.icmpv4_echo_reply(to.port(), 1).write(&mut bytes, data),
        _ => {
            let tcp = ip.tcp(from.port(), to.port(), 1000, 1024);
            let tcp = match kind {
                Kind::Syn => tcp.syn(),
                Kind::SynAck => tcp.syn().ack(1),
                Kind::Fin => tcp.fin().ack(1),
                Kind::Rst => tcp.rst(),
                _ => tcp.ack(1),
            };
            tcp.write(&mut bytes, data)
        }
    }
    .expect("a packet");
    bytes
}

/// Who a packet is from and to, whose checksums must be right.
pub(crate) fn ends(bytes: &[u8]) -> (SocketAddrV4, SocketAddrV4) {
    let packet = Packet::parse(bytes).expect("a packet");
    assert_eq!(packet.header_checksum(), Verdict::Right);
    assert_ne!(packet.transport_checksum(), Verdict::Wrong);
    let tuple = packet.five_tuple().expect("it has ends");
    match (tuple.source, tuple.destination) {
        (std::net::SocketAddr::V4(from), std::net::SocketAddr::V4(to)) => (from, to),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn with<T>(bytes: &mut [u8], change: impl FnOnce(&mut PacketMut<'_>) -> T) -> T {
    change(&mut PacketMut::parse(bytes).expect("a packet"))
}
