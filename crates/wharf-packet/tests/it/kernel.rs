//! What is cut and completed here, against what a kernel made of the same packets: see
//! `recordings/record.py`.

use wharf_packet::{Gso, PacketMut, Segments, Ttl, VnetHeader};

const RECORDED: &str = include_str!("recordings/kernel.txt");

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("hex");
        u8::from_str_radix(pair, 16).expect("hex")
    };
    digits.map(byte).collect()
}

/// The header as a little-endian machine wrote it.
fn header(hex: &str) -> VnetHeader {
    let mut bytes = bytes(hex);
    if cfg!(target_endian = "big") {
        bytes[2..]
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .for_each(|word| word.reverse());
    }
    VnetHeader::parse(&bytes).expect("a header")
}

/// One hop, as the kernel took it.
fn hopped(mut packet: Vec<u8>) -> Vec<u8> {
    let mut changed = PacketMut::parse(&mut packet).expect("a packet");
    assert!(matches!(changed.decrement_ttl(), Ttl::Left(63)));
    packet
}

fn pieces(mut header: VnetHeader, whole: &[u8]) -> Vec<Vec<u8>> {
    if header.gso == Gso::None {
        let mut whole = whole.to_vec();
        header.complete_checksum(&mut whole).expect("it is in the packet");
        return vec![hopped(whole)];
    }
    let mut segments = Segments::new(whole, &header).expect("it can be cut");
    let mut buffer = [0; 500];
    let mut pieces = Vec::new();
    while let Some(len) = segments.write_next(&mut buffer).expect("it fits") {
        pieces.push(hopped(buffer[..len].to_vec()));
    }
    pieces
}

#[test]
fn every_piece_is_the_kernels_bit_for_bit() {
    let mut checked = 0;
    for case in RECORDED.split("\n= ").skip(1) {
        let mut lines = case.lines();
        let name = lines.next().expect("a name");
        let whole = lines
            .next()
            .and_then(|line| line.strip_prefix("whole "))
            .expect(name);
        let (head, whole) = whole.split_once(' ').expect(name);
        let recorded: Vec<_> = lines
            .filter_map(|line| line.strip_prefix("piece "))
            .map(bytes)
            .collect();
        assert_eq!(pieces(header(head), &bytes(whole)), recorded, "{name}");
        checked += recorded.len();
    }
    assert_eq!(checked, 29);
}
