//! Any packets at all: nothing panics, and what was right stays right.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use wharf_packet::icmp::{self, Problem};
use wharf_packet::{Checksum, Packet, PacketMut, Verdict};
use wharf_topology::nat::NatOutcome;
use wharf_topology::{Behaviour, Nat, Side};

use crate::made::{Kind, end, packet};

const KINDS: [Kind; 8] = [
    Kind::Udp,
    Kind::Syn,
    Kind::SynAck,
    Kind::Ack,
    Kind::Fin,
    Kind::Rst,
    Kind::Ping,
    Kind::Pong,
];

/// A packet or an error about one, with some bytes damaged.
fn made(kind: usize, from: u8, to: u8, is_error: bool, damage: &[(usize, u8)]) -> Vec<u8> {
    let ends = [
        "10.1.1.1:5000",
        "10.1.1.2:5000",
        "198.18.7.1:5000",
        "198.18.7.1:1025",
        "198.18.9.9:53",
    ];
    let end = |index: u8| end(ends[usize::from(index) % ends.len()]);
    let mut bytes = packet(KINDS[kind % KINDS.len()], end(from), end(to));
    if is_error {
        let mut buffer = vec![0; icmp::LONGEST];
        let about = Packet::parse(&bytes).expect("a packet");
        let len = icmp::error(&about, Problem::PortUnreachable, about.destination(), &mut buffer)
            .expect("an error");
        buffer.truncate(len);
        bytes = buffer;
    }
    for (at, byte) in damage {
        if let Some(place) = bytes.get_mut(*at) {
            *place = *byte;
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn translators_and_firewalls_take_any_packets(
        preset in 0..3_usize,
        packets in vec((0..8_usize, 0..5_u8, 0..5_u8, any::<bool>(), vec((0..60_usize, any::<u8>()), 0..2), any::<bool>()), 1..60),
    ) {
        let behaviour = [Behaviour::FULL_CONE, Behaviour::SYMMETRIC, Behaviour::RESTRICTED][preset];
        let mut nat = Nat::new(behaviour, vec![std::net::Ipv4Addr::new(198, 18, 7, 1)]);
        let mut wall = crate::firewall::firewall("rules = [{ action = 'allow', direction = 'out' }]");
        for (second, (kind, from, to, is_error, damage, is_inside)) in packets.iter().enumerate() {
            let now = Duration::from_secs(second as u64 * 20);
            let side = if *is_inside { Side::Inside } else { Side::Outside };
            let mut bytes = made(*kind, *from, *to, *is_error, damage);
            let before = bytes.clone();
            let Ok(mut packet) = PacketMut::parse(&mut bytes) else {
                continue;
            };
            let verdicts = |packet: &Packet<'_>| [packet.header_checksum(), packet.transport_checksum()];
            let was = verdicts(&packet.as_packet());
            let _ = wall.judge(now, side, &packet.as_packet());
            let outcome = nat.translate(now, side, &mut packet, Checksum::Complete);
            let is = verdicts(&packet.as_packet());
            prop_assert_eq!(is, was, "a checksum is as right as it was");
            if !matches!(outcome, NatOutcome::Forward(_)) {
                prop_assert_eq!(&bytes, &before);
            } else if was == [Verdict::Right; 2] {
                prop_assert!(etherparse::SlicedPacket::from_ip(&bytes).is_ok());
            }
        }
    }
}
