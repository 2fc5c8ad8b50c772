//! The Internet checksum against the examples of its RFCs, and against smoltcp and etherparse.

use proptest::collection::vec;
use proptest::prelude::*;
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket};
use wharf_packet::{Packet, Sum, Verdict, updated};

use crate::made::{FAMILIES, Family, KINDS, Kind, packet, payload, v4, v4_header};

#[test]
fn the_example_of_rfc_1071_section_3() {
    let sum = Sum::default().bytes(&[0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]);
    assert_eq!(sum.fold(), 0xDDF2);
    assert_eq!(sum.checksum(), !0xDDF2);
}

#[test]
fn the_example_of_rfc_1624_section_4() {
    // The one that the equation of RFC 1141 gets wrong: it gives 0xFFFF.
    assert_eq!(updated(0xDD2F, 0x5555, 0x3285), 0x0000);
}

#[test]
fn every_kind_of_packet_is_found_right_and_wrong_as_smoltcp_finds_it() {
    for family in FAMILIES {
        for kind in KINDS {
            for len in [0, 1, 2, 3, 4, 5, 39, 40, 1399, 1400] {
                let mut bytes = packet(family, kind, &payload(len));
                let read = Packet::parse(&bytes).expect("a packet");
                assert_eq!(
                    read.transport_checksum(),
                    Verdict::Right,
                    "{family:?} {kind:?} {len}"
                );
                let at = read.header_len() + 1;
                bytes[at] ^= 4;
                let read = Packet::parse(&bytes).expect("a packet");
                assert_ne!(
                    read.transport_checksum(),
                    Verdict::Right,
                    "{family:?} {kind:?} {len}"
                );
                if matches!(kind, Kind::Tcp | Kind::Udp) {
                    assert!(!smoltcp_finds_it_right(family, &bytes));
                    bytes[at] ^= 4;
                    assert!(smoltcp_finds_it_right(family, &bytes));
                }
            }
        }
    }
}

pub(crate) fn smoltcp_finds_it_right(family: Family, bytes: &[u8]) -> bool {
    let transport = |protocol, source, destination, payload: &[u8]| match protocol {
        IpProtocol::Tcp => {
            TcpPacket::new_checked(payload).is_ok_and(|tcp| tcp.verify_checksum(&source, &destination))
        }
        IpProtocol::Udp => {
            UdpPacket::new_checked(payload).is_ok_and(|udp| udp.verify_checksum(&source, &destination))
        }
        other => panic!("{other}"),
    };
    match family {
        Family::V4 => {
            let ip = Ipv4Packet::new_checked(bytes).expect("IPv4");
            ip.verify_checksum()
                && transport(
                    ip.next_header(),
                    ip.src_addr().into(),
                    ip.dst_addr().into(),
                    ip.payload(),
                )
        }
        Family::V6 => {
            let ip = Ipv6Packet::new_checked(bytes).expect("IPv6");
            transport(
                ip.next_header(),
                ip.src_addr().into(),
                ip.dst_addr().into(),
                ip.payload(),
            )
        }
    }
}

#[test]
fn udp_without_a_checksum_and_parts_of_packets_are_unknown() {
    let mut bytes = packet(Family::V4, Kind::Udp, b"abc");
    bytes[26..28].fill(0);
    assert_eq!(
        Packet::parse(&bytes).expect("a packet").transport_checksum(),
        Verdict::Unknown
    );
    let mut bytes = packet(Family::V6, Kind::Udp, b"abc");
    bytes[46..48].fill(0);
    assert_eq!(
        Packet::parse(&bytes).expect("a packet").transport_checksum(),
        Verdict::Wrong
    );
    let bytes = packet(Family::V4, Kind::Tcp, b"abc");
    let quoted = Packet::quoted(&bytes[..40]).expect("the beginning of a packet");
    assert_eq!(quoted.transport_checksum(), Verdict::Unknown);
    assert_eq!(quoted.header_checksum(), Verdict::Right);
    let mut header = v4_header();
    header.more_fragments = true;
    let bytes = v4(header, &payload(64));
    assert_eq!(
        Packet::parse(&bytes).expect("a packet").transport_checksum(),
        Verdict::Unknown
    );
}

#[test]
fn a_datagram_of_another_length_than_it_says_is_wrong() {
    for (len, verdict) in [
        (11, Verdict::Right),
        (0, Verdict::Wrong),
        (7, Verdict::Wrong),
        (12, Verdict::Wrong),
    ] {
        let mut bytes = packet(Family::V4, Kind::Udp, b"abc");
        let said = u16::from_be_bytes([bytes[24], bytes[25]]);
        bytes[24..26].copy_from_slice(&u16::to_be_bytes(len));
        // The length is summed twice: in the pseudo-header, and where it stands.
        for _ in 0..2 {
            let checksum = updated(u16::from_be_bytes([bytes[26], bytes[27]]), said, len);
            bytes[26..28].copy_from_slice(&checksum.to_be_bytes());
        }
        let read = Packet::parse(&bytes).expect("a packet");
        assert_eq!(read.transport_checksum(), verdict, "{len}");
    }
}

/// As slow and plain as RFC 1071 has it in words.
fn plain(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

proptest! {
    #[test]
    fn a_sum_is_what_words_of_16_bits_add_up_to(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(Sum::default().bytes(&bytes).checksum(), plain(&bytes));
    }

    #[test]
    fn a_sum_in_pieces_is_the_sum(bytes in vec(any::<u8>(), 0..300), cut in 0..150_usize) {
        let (left, right) = bytes.split_at((cut * 2).min(bytes.len() / 2 * 2));
        let sum = Sum::default().bytes(left).bytes(right);
        prop_assert_eq!(sum.checksum(), plain(&bytes));
    }

    #[test]
    fn an_update_is_what_would_be_computed_anew(
        mut bytes in vec(any::<u8>(), 4..100),
        at in 0..50_usize,
        new: u16,
    ) {
        // Some byte is never zero, as in every packet: else there are two ways to write nothing.
        bytes[0] |= 1;
        bytes.resize(bytes.len() / 2 * 2, 0);
        let at = 2 + at % (bytes.len() / 2 - 1) * 2;
        let old = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let before = plain(&bytes);
        bytes[at..at + 2].copy_from_slice(&new.to_be_bytes());
        prop_assert_eq!(updated(before, old, new), plain(&bytes));
    }
}
