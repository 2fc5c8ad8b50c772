//! What is cut in software against what smoltcp and etherparse say of it, and against what went in.

use etherparse::TcpHeader;
use insta::assert_snapshot;
use proptest::prelude::*;
use wharf_packet::{Checksum, Gso, Packet, Segments, TcpFlags, Transport, Verdict, VnetHeader};

use crate::checksums::smoltcp_finds_it_right;
use crate::made::{FAMILIES, Family, Kind, packet, payload, tcp, udp4, v4_header};
use crate::vnet::make_partial;

fn gso(family: Family, kind: Kind) -> Gso {
    match (family, kind) {
        (_, Kind::Udp) => Gso::UdpL4,
        (Family::V4, _) => Gso::TcpV4,
        (Family::V6, _) => Gso::TcpV6,
    }
}

fn cut(bytes: &[u8], header: &VnetHeader) -> Vec<Vec<u8>> {
    let mut segments = Segments::new(bytes, header).expect("it can be cut");
    let mut pieces = Vec::new();
    let mut buffer = vec![0xEE; 2048 + usize::from(header.gso_size)];
    while let Some(len) = segments.write_next(&mut buffer).expect("it fits") {
        pieces.push(buffer[..len].to_vec());
    }
    assert_eq!(pieces.len(), segments.count());
    pieces
}

/// A packet to be cut, its checksum partial as kernels have it.
fn offloaded(family: Family, kind: Kind, mut bytes: Vec<u8>, size: u16) -> (VnetHeader, Vec<u8>) {
    let header = VnetHeader {
        gso: gso(family, kind),
        gso_size: size,
        checksum: make_partial(&mut bytes),
        ..VnetHeader::default()
    };
    (header, bytes)
}

fn all_flags() -> TcpHeader {
    let mut header = TcpHeader {
        source_port: 4000,
        destination_port: 53,
        sequence_number: 0xFFFF_FF00,
        acknowledgment_number: 7,
        cwr: true,
        ack: true,
        psh: true,
        fin: true,
        window_size: 512,
        ..TcpHeader::default()
    };
    // Timestamps, as nearly every segment has them.
    let options = [
        etherparse::TcpOptionElement::Noop,
        etherparse::TcpOptionElement::Noop,
        etherparse::TcpOptionElement::Timestamp(1, 2),
    ];
    header.set_options(&options).expect("options");
    header
}

#[test]
fn what_is_in_each_piece() {
    let mut said = String::new();
    for family in FAMILIES {
        let whole = tcp(family, all_flags(), &payload(3000));
        let (header, whole) = offloaded(family, Kind::Tcp, whole, 1448);
        for piece in cut(&whole, &header) {
            let read = Packet::parse(&piece).expect("a packet");
            let Transport::Tcp(tcp) = read.transport() else {
                panic!("{:?}", read.transport());
            };
            let id = match family {
                Family::V4 => u16::from_be_bytes([piece[4], piece[5]]).to_string(),
                Family::V6 => "-".to_owned(),
            };
            let names = [
                (TcpFlags::CWR, "CWR "),
                (TcpFlags::ACK, "ACK "),
                (TcpFlags::PSH, "PSH "),
                (TcpFlags::FIN, "FIN "),
            ];
            let flags: String = names
                .iter()
                .filter(|(flag, _)| tcp.flags().contains(*flag))
                .map(|(_, name)| *name)
                .collect();
            said += &format!(
                "{family:?} {} bytes, id {id}, seq {:#x}, data {}, {flags}{:?}\n",
                piece.len(),
                tcp.seq(),
                tcp.payload().len(),
                read.transport_checksum(),
            );
        }
    }
    assert_snapshot!(said, @r"
    V4 1500 bytes, id 0, seq 0xffffff00, data 1448, CWR ACK Right
    V4 1500 bytes, id 1, seq 0x4a8, data 1448, ACK Right
    V4 156 bytes, id 2, seq 0xa50, data 104, ACK PSH FIN Right
    V6 1520 bytes, id -, seq 0xffffff00, data 1448, CWR ACK Right
    V6 1520 bytes, id -, seq 0x4a8, data 1448, ACK Right
    V6 176 bytes, id -, seq 0xa50, data 104, ACK PSH FIN Right
    ");
}

#[test]
fn identifications_count_on_and_wrap() {
    let mut header = v4_header();
    header.identification = 0xFFFF;
    let (header, whole) = offloaded(Family::V4, Kind::Udp, udp4(header, &payload(25)), 10);
    let ids: Vec<_> = cut(&whole, &header)
        .iter()
        .map(|piece| [piece[4], piece[5]])
        .collect();
    assert_eq!(ids, [[0xFF, 0xFF], [0, 0], [0, 1]]);
}

#[test]
fn a_packet_that_fits_is_itself_with_its_checksum_complete() {
    for family in FAMILIES {
        for kind in [Kind::Tcp, Kind::Udp] {
            for len in [0, 1, 1400] {
                let complete = packet(family, kind, &payload(len));
                let (header, whole) = offloaded(family, kind, complete.clone(), 1400);
                assert_eq!(cut(&whole, &header), [complete]);
            }
        }
    }
}

#[test]
fn udp_whose_checksum_was_left_out_is_left_without() {
    let mut whole = packet(Family::V4, Kind::Udp, &payload(100));
    whole[26..28].fill(0);
    let header = VnetHeader {
        gso: Gso::UdpL4,
        gso_size: 60,
        ..VnetHeader::default()
    };
    for piece in cut(&whole, &header) {
        assert_eq!(piece[26..28], [0, 0]);
        assert_eq!(
            Packet::parse(&piece).expect("a packet").transport_checksum(),
            Verdict::Unknown
        );
    }
}

#[test]
fn what_cannot_be_cut_says_why() {
    let header = |gso, gso_size| VnetHeader {
        gso,
        gso_size,
        ..VnetHeader::default()
    };
    let v4 = packet(Family::V4, Kind::Tcp, b"hello");
    let mut part = packet(Family::V4, Kind::Udp, b"hello");
    part[6] = 0x20;
    let said = [
        Segments::new(&v4, &header(Gso::TcpV4, 0)),
        Segments::new(&v4, &header(Gso::TcpV6, 1)),
        Segments::new(&v4, &header(Gso::UdpL4, 1)),
        Segments::new(&v4, &header(Gso::None, 1)),
        Segments::new(&part, &header(Gso::UdpL4, 1)),
        Segments::new(&v4[..39], &header(Gso::TcpV4, 1)),
    ]
    .map(|error| error.expect_err("it cannot be cut").to_string())
    .join("\n");
    assert_snapshot!(said, @r"
    segment: pieces of 0 bytes were asked for
    segment: its header says TcpV6, and it carries TCP or a fragment of it
    segment: its header says UdpL4, and it carries TCP or a fragment of it
    segment: its header says None, and it carries TCP or a fragment of it
    segment: its header says UdpL4, and it carries UDP or a fragment of it
    segment: read packet: it says that it has 45 bytes, and there are 39
    ");
    let mut segments = Segments::new(&v4, &header(Gso::TcpV4, 3)).expect("it can be cut");
    let error = segments.write_next(&mut [0; 42]).expect_err("too small");
    assert_snapshot!(error, @"write packet: it has 43 bytes, and the buffer takes 42");
    assert_eq!(
        segments.write_next(&mut [0; 43]),
        Ok(Some(43)),
        "it may be asked for again"
    );
}

proptest! {
    #[test]
    fn pieces_are_right_and_make_up_the_whole(
        family in 0..2_usize,
        is_tcp: bool,
        len in 0..65_400_usize,
        size in 500..9_000_u16,
    ) {
        let (family, kind) = (FAMILIES[family], if is_tcp { Kind::Tcp } else { Kind::Udp });
        let data = payload(len);
        let whole = if is_tcp { tcp(family, all_flags(), &data) } else { packet(family, kind, &data) };
        let (header, whole) = offloaded(family, kind, whole, size);
        let mut seen = Vec::new();
        for piece in cut(&whole, &header) {
            prop_assert!(smoltcp_finds_it_right(family, &piece));
            let sliced = etherparse::SlicedPacket::from_ip(&piece).expect("etherparse reads it");
            let part = match sliced.transport.expect("a transport") {
                etherparse::TransportSlice::Tcp(tcp) => {
                    let at = tcp.sequence_number().wrapping_sub(0xFFFF_FF00) as usize;
                    prop_assert_eq!(at, seen.len(), "the number of its first byte");
                    let is_last = at + tcp.payload().len() == len;
                    prop_assert_eq!((tcp.fin(), tcp.psh(), tcp.cwr()), (is_last, is_last, at == 0));
                    tcp.payload()
                }
                etherparse::TransportSlice::Udp(udp) => udp.payload(),
                other => panic!("{other:?}"),
            };
            prop_assert!(part.len() <= usize::from(size));
            seen.extend_from_slice(part);
        }
        prop_assert!(seen == data);
        prop_assert_eq!(header.checksum, Checksum::Partial {
            start: if family == Family::V4 { 20 } else { 40 },
            offset: if is_tcp { 16 } else { 6 },
        });
    }
}
