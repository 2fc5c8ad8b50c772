//! Any bytes at all.

use proptest::collection::vec;
use proptest::prelude::*;
use wharf_packet::{Checksum, Gso, VnetHeader};

use crate::drive::drive;
use crate::made::{FAMILIES, KINDS, packet, payload};

fn header() -> impl Strategy<Value = VnetHeader> {
    let gso = prop_oneof![
        Just(Gso::None),
        Just(Gso::TcpV4),
        Just(Gso::TcpV6),
        Just(Gso::UdpL4)
    ];
    let checksum = prop_oneof![
        Just(Checksum::Complete),
        Just(Checksum::Verified),
        (0..80_u16, 0..20_u16).prop_map(|(start, offset)| Checksum::Partial { start, offset }),
    ];
    (
        gso,
        any::<bool>(),
        any::<u16>(),
        prop_oneof![0..2000_u16, any::<u16>()],
        checksum,
    )
        .prop_map(|(gso, ecn, header_len, gso_size, checksum)| VnetHeader {
            gso,
            ecn,
            header_len,
            gso_size,
            checksum,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_taken(bytes in vec(any::<u8>(), 0..200)) {
        drive(&bytes);
    }

    /// Most random bytes are no packet. These begin like one.
    #[test]
    fn bytes_that_begin_like_a_packet_are_taken(
        header in header(),
        version in prop_oneof![0x45..0x50_u8, Just(0x60)],
        next in prop_oneof![Just(0_u8), Just(6), Just(17), Just(44), Just(51), Just(60), any::<u8>()],
        rest in vec(any::<u8>(), 0..200),
    ) {
        let mut packet = vec![version];
        packet.extend(rest);
        let len = packet.len() as u16;
        let (len_at, said, next_at) = if version == 0x60 { (4, len.saturating_sub(40), 6) } else { (2, len, 9) };
        if packet.len() > 10 {
            packet[len_at..len_at + 2].copy_from_slice(&said.to_be_bytes());
            packet[next_at] = next;
        }
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend(packet);
        drive(&bytes);
    }

    /// These are packets, but for some bytes.
    #[test]
    fn damaged_packets_are_taken(
        header in header(),
        family in 0..2_usize,
        kind in 0..4_usize,
        len in 0..3_000_usize,
        damage in vec((0..90_usize, any::<u8>()), 0..3),
        cut in prop_oneof![Just(0_usize), 0..60_usize],
    ) {
        let mut packet = packet(FAMILIES[family], KINDS[kind], &payload(len));
        for (at, byte) in damage {
            if let Some(place) = packet.get_mut(at) {
                *place = byte;
            }
        }
        packet.truncate(packet.len() - cut.min(packet.len()));
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend(packet);
        drive(&bytes);
    }
}
