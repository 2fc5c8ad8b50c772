//! Fragments, put together again by etherparse.

use etherparse::SlicedPacket;
use etherparse::defrag::IpDefragPool;
use insta::assert_snapshot;
use proptest::prelude::*;
use wharf_packet::{Fragments, Packet, Verdict};

use crate::made::{Family, Kind, packet, payload, udp4, v4_header};

fn cut(bytes: &[u8], mtu: usize) -> Vec<Vec<u8>> {
    let mut fragments = Fragments::new(bytes, mtu).expect("it can be cut");
    let mut pieces = Vec::new();
    let mut buffer = vec![0xEE; bytes.len()];
    while let Some(len) = fragments.write_next(&mut buffer).expect("it fits") {
        assert!(len <= mtu);
        pieces.push(buffer[..len].to_vec());
    }
    pieces
}

fn put_together(pieces: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut pool = IpDefragPool::<(), ()>::new();
    let mut whole = None;
    for piece in pieces {
        assert_eq!(
            Packet::parse(piece).expect("a packet").header_checksum(),
            Verdict::Right
        );
        assert!(whole.is_none(), "it is whole before the last piece");
        let sliced = SlicedPacket::from_ip(piece).expect("etherparse reads it");
        whole = pool
            .process_sliced_packet(&sliced, (), ())
            .expect("it fits the others");
    }
    whole.map(|whole| whole.payload)
}

#[test]
fn options_that_are_to_be_copied_are() {
    let mut header = v4_header();
    // No operation; record route (in the first alone); router alert (in all); end.
    header.options = [1, 7, 3, 4, 0x94, 4, 0, 0, 1, 1, 1, 0].into();
    let pieces = cut(&udp4(header, &payload(100)), 90);
    let said: String = pieces
        .iter()
        .map(|piece| {
            let read = Packet::parse(piece).expect("a packet");
            let part = read.fragment().expect("a fragment");
            format!(
                "{} bytes, at {}, more {}, options {:02x?}\n",
                piece.len(),
                part.offset,
                part.more,
                &piece[20..read.header_len()]
            )
        })
        .collect();
    assert_snapshot!(said, @r"
    88 bytes, at 0, more true, options [01, 07, 03, 04, 94, 04, 00, 00, 01, 01, 01, 00]
    76 bytes, at 56, more false, options [94, 04, 00, 00]
    ");
}

#[test]
fn what_may_not_be_cut_says_so() {
    let mut header = v4_header();
    let may = udp4(header.clone(), &payload(1400));
    header.dont_fragment = true;
    let said = [
        Fragments::new(&udp4(header, &payload(1400)), 1000),
        Fragments::new(&packet(Family::V6, Kind::Udp, &payload(1400)), 1280),
        Fragments::new(&may, 67),
        Fragments::new(&may[..9], 1000),
    ]
    .map(|error| error.expect_err("it may not be cut").to_string())
    .join("\n");
    assert_snapshot!(said, @r"
    fragment: the packet's sender forbids it
    fragment: the packet's sender forbids it
    fragment: an MTU of 67 bytes is under 68, which every IPv4 link carries
    fragment: read packet: its headers take at least 20 bytes, and there are 9
    ");
}

#[test]
fn what_fits_is_itself() {
    let mut header = v4_header();
    header.dont_fragment = true;
    for whole in [
        udp4(header, &payload(90)),
        packet(Family::V6, Kind::Udp, &payload(90)),
    ] {
        assert_eq!(cut(&whole, whole.len()), [whole]);
    }
}

proptest! {
    #[test]
    fn fragments_make_up_the_whole(len in 0..9_000_usize, mtu in 68..2_000_usize) {
        let whole = udp4(v4_header(), &payload(len));
        let pieces = cut(&whole, mtu);
        if whole.len() <= mtu {
            prop_assert_eq!(pieces, [whole]);
        } else {
            prop_assert!(pieces.len() > 1);
            prop_assert!(put_together(&pieces).as_deref() == Some(&whole[20..]));
        }
    }

    #[test]
    fn fragments_of_fragments_make_up_the_whole(len in 3_000..9_000_usize, first in 700..2_000_usize, second in 68..700_usize) {
        let whole = udp4(v4_header(), &payload(len));
        let pieces: Vec<_> = cut(&whole, first).iter().flat_map(|piece| cut(piece, second)).collect();
        prop_assert!(put_together(&pieces).as_deref() == Some(&whole[20..]));
    }
}
