//! Hops, marks, pings and flipped bits.

use etherparse::{IpEcn, SlicedPacket};
use wharf_packet::{Ecn, Packet, PacketMut, Transport, Ttl, Verdict, flip_bit};

use crate::made::{FAMILIES, Family, KINDS, Kind, packet, payload, udp4, v4_header};

#[test]
fn a_hop_is_taken_and_the_last_is_left() {
    for family in FAMILIES {
        let mut bytes = packet(family, Kind::Udp, b"x");
        let mut packet = PacketMut::parse(&mut bytes).expect("a packet");
        for left in (1..64).rev() {
            assert_eq!(packet.decrement_ttl(), Ttl::Left(left));
            assert_eq!(packet.as_packet().ttl(), left);
            assert_ne!(packet.as_packet().header_checksum(), Verdict::Wrong);
        }
        let before = packet.bytes().to_vec();
        assert_eq!(packet.decrement_ttl(), Ttl::Expired);
        assert_eq!(packet.bytes(), before, "it is quoted as it came");
        SlicedPacket::from_ip(packet.bytes()).expect("etherparse reads it");
    }
}

#[test]
fn a_mark_is_set_where_it_is_understood() {
    for (ecn, may) in [
        (IpEcn::ZERO, false),
        (IpEcn::ONE, true),
        (IpEcn::TWO, true),
        (IpEcn::THREE, true),
    ] {
        let mut header = v4_header();
        header.ecn = ecn;
        let mut v4 = udp4(header, b"x");
        let mut v6 = packet(Family::V6, Kind::Udp, b"x");
        v6[0..2].copy_from_slice(&[0x6A, 0x0F | (ecn.value() << 4)]);
        for bytes in [&mut v4, &mut v6] {
            let before = bytes.clone();
            let mut packet = PacketMut::parse(bytes).expect("a packet");
            assert_eq!(packet.mark_ce(), may);
            assert_ne!(packet.as_packet().header_checksum(), Verdict::Wrong);
            match may {
                true => assert_eq!(packet.as_packet().ecn(), Ecn::Ce),
                false => assert_eq!(packet.bytes(), before),
            }
            let class = |bytes: &[u8]| Packet::parse(bytes).expect("a packet").traffic_class() & !3;
            assert_eq!(class(packet.bytes()), class(&before), "DSCP stays");
        }
    }
}

#[test]
fn a_ping_becomes_its_answer() {
    for family in FAMILIES {
        let mut bytes = packet(family, Kind::Ping, &payload(57));
        let mut ping = PacketMut::parse(&mut bytes).expect("a packet");
        assert!(ping.make_echo_reply());
        let reply = ping.as_packet();
        assert_eq!(reply.transport_checksum(), Verdict::Right);
        assert_ne!(reply.header_checksum(), Verdict::Wrong);
        // The same as a reply that etherparse makes, but for who sends it.
        let expected = packet(family, Kind::Pong, &payload(57));
        let expected = Packet::parse(&expected).expect("a packet");
        assert_eq!(
            (reply.source(), reply.destination()),
            (expected.destination(), expected.source())
        );
        assert_eq!(reply.payload(), expected.payload());
    }
}

#[test]
fn nothing_but_a_whole_ping_to_one_host_is_answered() {
    let mut others: Vec<_> = FAMILIES
        .iter()
        .flat_map(|family| [Kind::Tcp, Kind::Udp, Kind::Pong].map(|kind| packet(*family, kind, b"x")))
        .collect();
    let mut broadcast = packet(Family::V4, Kind::Ping, b"x");
    broadcast[16..20].fill(255);
    let mut multicast = packet(Family::V6, Kind::Ping, b"x");
    multicast[24] = 0xFF;
    let mut part = packet(Family::V4, Kind::Ping, b"x");
    part[6] = 0x20;
    others.extend([broadcast, multicast, part]);
    for bytes in &mut others {
        let before = bytes.clone();
        assert!(!PacketMut::parse(bytes).expect("a packet").make_echo_reply());
        assert_eq!(*bytes, before);
    }
}

#[test]
fn no_flipped_bit_goes_unseen_by_the_checksum_that_covers_it() {
    for family in FAMILIES {
        for kind in KINDS {
            let whole = packet(family, kind, b"hello");
            let (header, start) = match family {
                Family::V4 => (0..20, 20),
                Family::V6 => (8..40, 40),
            };
            for bit in 0..whole.len() as u64 * 8 {
                let mut bytes = whole.clone();
                assert!(flip_bit(&mut bytes, bit));
                let byte = (bit / 8) as usize;
                assert_eq!(bytes[byte] ^ whole[byte], 1 << (bit % 8));
                // One bit is between the versions: what was IPv4 is then a strange IPv6 packet.
                let read = match Packet::parse(&bytes) {
                    Ok(read) if byte > 0 => read,
                    _ => continue,
                };
                let seen = [read.header_checksum(), read.transport_checksum()].contains(&Verdict::Wrong);
                // Of IPv6 only the addresses are covered; what makes it another protocol, or another
                // length, is not the checksum's to see.
                let told = !matches!(
                    read.transport(),
                    Transport::Tcp(_) | Transport::Udp(_) | Transport::Icmp(_)
                );
                if header.contains(&byte) && family == Family::V4 {
                    assert_eq!(read.header_checksum(), Verdict::Wrong, "bit {bit}");
                } else if header.contains(&byte) || byte >= start {
                    assert!(
                        seen || told || bytes.len() != read.total_len(),
                        "{family:?} {kind:?} bit {bit}"
                    );
                }
            }
            assert!(!flip_bit(&mut whole.clone(), whole.len() as u64 * 8));
            assert!(!flip_bit(&mut whole.clone(), u64::MAX));
        }
    }
}
