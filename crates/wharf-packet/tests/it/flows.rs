//! Which flow a packet is of.

use std::collections::{BTreeMap, BTreeSet};

use etherparse::{IpFragOffset, PacketBuilder};
use wharf_packet::{Packet, icmp};

use crate::made::{A4, B4, FAMILIES, Family, KINDS, Kind, packet, udp4, v4_header};

fn flow(bytes: &[u8]) -> u64 {
    Packet::parse(bytes).expect("a packet").flow()
}

fn udp(source: u16, destination: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4(A4, B4, 64).udp(source, destination);
    builder.write(&mut bytes, b"x").expect("a packet");
    bytes
}

#[test]
fn conversations_are_told_apart_and_their_packets_are_not() {
    let mut seen = BTreeSet::new();
    for family in FAMILIES {
        for kind in KINDS {
            let flows = [0, 1, 700].map(|len| flow(&packet(family, kind, &vec![0; len])));
            assert!(flows.iter().all(|other| *other == flows[0]));
            assert!(seen.insert(flows[0]), "{family:?} {kind:?}");
        }
    }
    for port in 1..2_000 {
        assert!(seen.insert(flow(&udp(port, 53))) || port == 4000);
        assert!(seen.insert(flow(&udp(53, port))) || port == 53);
    }
}

#[test]
fn ports_that_count_up_spread_over_few_queues() {
    // 4096 flows over 64 queues: 64 each, give or take. Chi squared of 63 degrees of freedom is above
    // 116 one time in 20,000.
    for (source, destination) in [(1, 0), (0, 1)] {
        for shift in [0, 32, 58] {
            let mut queues: BTreeMap<u64, f64> = (0..64).map(|queue| (queue, 0.0)).collect();
            for port in 0..4096 {
                let bytes = udp(30_000 + source * port, 30_000 + destination * port);
                *queues.entry(flow(&bytes) >> shift & 63).or_default() += 1.0;
            }
            let chi: f64 = queues
                .values()
                .map(|count| (count - 64.0) * (count - 64.0) / 64.0)
                .sum();
            assert!(chi < 116.0, "{chi} at {shift}");
        }
    }
}

#[test]
fn fragments_stay_with_their_siblings() {
    let part = |offset, more| {
        let mut header = v4_header();
        header.fragment_offset = IpFragOffset::try_new(offset).expect("13 bits");
        header.more_fragments = more;
        udp4(header, b"12345678")
    };
    assert_eq!(flow(&part(0, true)), flow(&part(1, true)));
    assert_eq!(flow(&part(0, true)), flow(&part(2, false)));
    assert_ne!(
        flow(&part(0, true)),
        flow(&part(0, false)),
        "a whole packet goes by its ports"
    );
}

#[test]
fn errors_go_by_address() {
    let error = |port| {
        let bytes = udp(port, 53);
        let about = Packet::parse(&bytes).expect("a packet");
        let mut buffer = [0; icmp::LONGEST];
        let len =
            icmp::error(&about, icmp::Problem::PortUnreachable, B4.into(), &mut buffer).expect("an error");
        flow(&buffer[..len])
    };
    assert_eq!(error(1), error(2));
}

#[test]
fn the_answer_to_a_ping_is_of_the_conversation_turned_round() {
    for family in FAMILIES {
        let tuple = |kind| {
            Packet::parse(&packet(family, kind, b""))
                .expect("a packet")
                .five_tuple()
                .expect("it has one")
        };
        let (ping, pong) = (tuple(Kind::Ping), tuple(Kind::Pong));
        assert_eq!((ping.source.port(), ping.destination.port()), (4000, 0));
        assert_eq!((pong.source.port(), pong.destination.port()), (0, 4000));
        let udp = tuple(Kind::Udp);
        assert_eq!(udp.reversed().source, udp.destination);
        assert_eq!(udp.source.ip(), ping.source.ip());
    }
    assert_eq!(FAMILIES, [Family::V4, Family::V6]);
}
