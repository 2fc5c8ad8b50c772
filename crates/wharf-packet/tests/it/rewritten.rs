//! Other addresses and ports: what comes out is what would have been made with them.

use std::net::{IpAddr, SocketAddr};

use insta::assert_snapshot;
use proptest::prelude::*;
use wharf_packet::icmp::{self, Problem};
use wharf_packet::{Checksum, End, FiveTuple, Packet, PacketMut, Transport, Verdict};

use crate::made::{FAMILIES, Family, KINDS, Kind, packet, payload};
use crate::vnet::partial;

fn new_end(family: Family, port: u16) -> SocketAddr {
    let address: IpAddr = match family {
        Family::V4 => [203, 0, 113, 250].into(),
        Family::V6 => [0x2001, 0xdb8, 0xFFFF, 0, 0, 0, 0, 0xABCD].into(),
    };
    SocketAddr::new(address, port)
}

fn tuple(bytes: &[u8]) -> FiveTuple {
    Packet::parse(bytes)
        .expect("a packet")
        .five_tuple()
        .expect("it has one")
}

fn verdicts(bytes: &[u8]) -> [Verdict; 2] {
    let read = Packet::parse(bytes).expect("a packet");
    [read.header_checksum(), read.transport_checksum()]
}

#[test]
fn either_end_of_every_kind() {
    for family in FAMILIES {
        for kind in KINDS {
            for end in [End::Source, End::Destination] {
                let mut bytes = packet(family, kind, &payload(33));
                let (before, right) = (tuple(&bytes), verdicts(&bytes));
                let to = new_end(family, 61_000);
                PacketMut::parse(&mut bytes)
                    .expect("a packet")
                    .rewrite(end, to, Checksum::Complete)
                    .expect("the same family");
                let after = tuple(&bytes);
                let (changed, kept) = match end {
                    End::Source => (after.source, after.destination == before.destination),
                    End::Destination => (after.destination, after.source == before.source),
                };
                assert!(kept, "{family:?} {kind:?} {end:?}");
                assert_eq!(changed.ip(), to.ip());
                // A ping has one identifier, at the end of who asked.
                let has_port = match (kind, end) {
                    (Kind::Ping, End::Destination) | (Kind::Pong, End::Source) => 0,
                    _ => 61_000,
                };
                assert_eq!(changed.port(), has_port);
                assert_eq!(verdicts(&bytes), right, "{family:?} {kind:?} {end:?}");
            }
        }
    }
}

#[test]
fn a_wrong_checksum_stays_wrong() {
    for family in FAMILIES {
        for kind in KINDS {
            let mut bytes = packet(family, kind, &payload(33));
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            let before = verdicts(&bytes);
            assert!(before.contains(&Verdict::Wrong));
            let mut changed = PacketMut::parse(&mut bytes).expect("a packet");
            changed
                .rewrite(End::Source, new_end(family, 1), Checksum::Complete)
                .expect("the same family");
            assert_eq!(verdicts(&bytes), before);
        }
    }
}

#[test]
fn a_partial_checksum_stays_partial() {
    for family in FAMILIES {
        for kind in [Kind::Tcp, Kind::Udp] {
            let (mut header, mut bytes) = partial(family, kind, &payload(33));
            let mut changed = PacketMut::parse(&mut bytes).expect("a packet");
            for end in [End::Source, End::Destination] {
                changed
                    .rewrite(end, new_end(family, 61_000), header.checksum)
                    .expect("the same family");
            }
            header.complete_checksum(&mut bytes).expect("it is in the packet");
            assert_eq!(verdicts(&bytes)[1], Verdict::Right, "{family:?} {kind:?}");
        }
    }
}

#[test]
fn udp_without_a_checksum_is_left_without() {
    let mut bytes = packet(Family::V4, Kind::Udp, b"x");
    bytes[26..28].fill(0);
    let mut changed = PacketMut::parse(&mut bytes).expect("a packet");
    changed
        .rewrite(End::Source, new_end(Family::V4, 1), Checksum::Complete)
        .expect("the same family");
    assert_eq!(bytes[26..28], [0, 0]);
}

#[test]
fn a_later_fragment_has_no_port_to_change() {
    let mut bytes = packet(Family::V4, Kind::Udp, &payload(64));
    bytes[7] = 3;
    let payload = bytes[20..].to_vec();
    let mut changed = PacketMut::parse(&mut bytes).expect("a packet");
    changed
        .rewrite(End::Source, new_end(Family::V4, 1), Checksum::Complete)
        .expect("the same family");
    assert_eq!(changed.as_packet().source(), new_end(Family::V4, 1).ip());
    assert_eq!(bytes[20..], payload);
}

/// An address translator maps the sender of a packet, an error about it comes back, and the translator
/// turns the error into one about the packet as it was sent.
#[test]
fn what_an_error_quotes_is_turned_back() {
    for family in FAMILIES {
        for kind in [Kind::Tcp, Kind::Udp, Kind::Ping] {
            for len in [0, 33, 1400] {
                let sent = packet(family, kind, &payload(len));
                let inside = tuple(&sent).source;
                let outside = new_end(family, 61_000);
                let mut mapped = sent.clone();
                PacketMut::parse(&mut mapped)
                    .expect("a packet")
                    .rewrite(End::Source, outside, Checksum::Complete)
                    .expect("the same family");
                let mut buffer = [0; icmp::LONGEST];
                let about = Packet::parse(&mapped).expect("a packet");
                let router = about.destination();
                let len = icmp::error(&about, Problem::TimeExceeded, router, &mut buffer).expect("an error");
                let mut error = PacketMut::parse(&mut buffer[..len]).expect("a packet");
                error.rewrite_quoted(End::Source, inside).expect("it quotes");
                error
                    .rewrite(End::Destination, inside, Checksum::Complete)
                    .expect("the same family");
                let read = error.as_packet();
                assert_eq!(read.transport_checksum(), Verdict::Right);
                assert_ne!(read.header_checksum(), Verdict::Wrong);
                assert_eq!(read.destination(), inside.ip());
                let Transport::Icmp(message) = read.transport() else {
                    panic!("{:?}", read.transport());
                };
                assert!(
                    sent.starts_with(message.payload()),
                    "{family:?} {kind:?}: as it was sent"
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_rewritten_says_why_and_is_left() {
    let mut bytes = packet(Family::V4, Kind::Udp, b"x");
    let before = bytes.clone();
    let mut changed = PacketMut::parse(&mut bytes).expect("a packet");
    let family = changed
        .rewrite(End::Source, new_end(Family::V6, 1), Checksum::Complete)
        .expect_err("IPv6");
    let quoted = changed
        .rewrite_quoted(End::Source, new_end(Family::V4, 1))
        .expect_err("no error");
    assert_eq!(bytes, before);
    let mut nonsense = packet(Family::V4, Kind::Ping, &[0; 30]);
    nonsense[20] = 3;
    let mut changed = PacketMut::parse(&mut nonsense).expect("a packet");
    let inner = changed
        .rewrite_quoted(End::Source, new_end(Family::V4, 1))
        .expect_err("no packet");
    assert_snapshot!(format!("{family}\n{quoted}\n{inner}"), @r"
    rewrite address: 2001:db8:ffff::abcd is not of the packet's family, V4
    rewrite quoted packet: it is no ICMP error
    rewrite quoted packet: read packet: its version is 0, and only 4 and 6 are known
    ");
}

proptest! {
    #[test]
    fn any_address_and_port(family in 0..2_usize, kind in 0..4_usize, address: u128, port: u16, len in 0..64_usize) {
        let (family, kind) = (FAMILIES[family], KINDS[kind]);
        let mut bytes = packet(family, kind, &payload(len));
        let right = verdicts(&bytes);
        let address: IpAddr = match family {
            Family::V4 => std::net::Ipv4Addr::from_bits(address as u32).into(),
            Family::V6 => std::net::Ipv6Addr::from_bits(address).into(),
        };
        let mut changed = PacketMut::parse(&mut bytes).expect("a packet");
        changed.rewrite(End::Source, SocketAddr::new(address, port), Checksum::Complete).expect("the same family");
        prop_assert_eq!(verdicts(&bytes), right);
    }
}
