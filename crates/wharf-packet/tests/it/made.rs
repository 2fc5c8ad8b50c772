//! Packets as etherparse makes them.

use etherparse::{
    IpFragOffset, IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header, Ipv6Extensions, Ipv6FlowLabel, Ipv6Header,
    PacketBuilder, TcpHeader,
};

pub(crate) const A4: [u8; 4] = [10, 1, 2, 3];
pub(crate) const B4: [u8; 4] = [192, 0, 2, 77];
pub(crate) const A6: [u8; 16] = [0xfd, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3];
pub(crate) const B6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77];

/// Which IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

pub(crate) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// What an IP packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Ping,
    Pong,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::Tcp, Kind::Udp, Kind::Ping, Kind::Pong];

pub(crate) fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 7 + index / 251) as u8).collect()
}

/// A packet from A, port or identifier 4000, to B, port 53.
pub(crate) fn packet(family: Family, kind: Kind, payload: &[u8]) -> Vec<u8> {
    let ip = match family {
        Family::V4 => PacketBuilder::ipv4(A4, B4, 64),
        Family::V6 => PacketBuilder::ipv6(A6, B6, 64),
    };
    let mut bytes = Vec::new();
    match kind {
        Kind::Tcp => ip
            .tcp(4000, 53, 0xFFFF_FF00, 1024)
            .ack(7)
            .write(&mut bytes, payload),
        Kind::Udp => ip.udp(4000, 53).write(&mut bytes, payload),
        Kind::Ping if family == Family::V4 => ip.icmpv4_echo_request(4000, 9).write(&mut bytes, payload),
        Kind::Ping => ip.icmpv6_echo_request(4000, 9).write(&mut bytes, payload),
        Kind::Pong if family == Family::V4 => ip.icmpv4_echo_reply(4000, 9).write(&mut bytes, payload),
        Kind::Pong => ip.icmpv6_echo_reply(4000, 9).write(&mut bytes, payload),
    }
    .expect("a packet");
    bytes
}

/// A TCP segment of these flags, from A to B.
pub(crate) fn tcp(family: Family, header: TcpHeader, payload: &[u8]) -> Vec<u8> {
    let ip = match family {
        Family::V4 => PacketBuilder::ipv4(A4, B4, 64),
        Family::V6 => PacketBuilder::ipv6(A6, B6, 64),
    };
    let mut bytes = Vec::new();
    ip.tcp_header(header)
        .write(&mut bytes, payload)
        .expect("a packet");
    bytes
}

/// An IPv4 packet of any header fields, with options.
pub(crate) fn v4(header: Ipv4Header, payload: &[u8]) -> Vec<u8> {
    let mut header = header;
    header.set_payload_len(payload.len()).expect("it fits");
    header.header_checksum = header.calc_header_checksum();
    let mut bytes = Vec::new();
    header.write(&mut bytes).expect("a header");
    bytes.extend_from_slice(payload);
    bytes
}

/// The IPv4 header of a UDP packet from A to B.
pub(crate) fn v4_header() -> Ipv4Header {
    Ipv4Header {
        identification: 0x1234,
        time_to_live: 64,
        protocol: IpNumber::UDP,
        source: A4,
        destination: B4,
        dont_fragment: false,
        fragment_offset: IpFragOffset::ZERO,
        ..Ipv4Header::default()
    }
}

/// A UDP packet in IPv6 with these extension headers.
pub(crate) fn v6_extended(extensions: Ipv6Extensions, payload: &[u8]) -> Vec<u8> {
    let header = Ipv6Header {
        traffic_class: 0b1010_1001,
        flow_label: Ipv6FlowLabel::try_new(0xABCDE).expect("20 bits"),
        hop_limit: 9,
        source: A6,
        destination: B6,
        ..Ipv6Header::default()
    };
    let mut bytes = Vec::new();
    PacketBuilder::ip(IpHeaders::Ipv6(header, extensions))
        .udp(4000, 53)
        .write(&mut bytes, payload)
        .expect("a packet");
    bytes
}

/// The IPv4 packet as a builder has it, with this header.
pub(crate) fn udp4(header: Ipv4Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ip(IpHeaders::Ipv4(header, Ipv4Extensions::default()))
        .udp(4000, 53)
        .write(&mut bytes, payload)
        .expect("a packet");
    bytes
}
