//! The virtio-net header, and checksums that are completed.

use insta::assert_snapshot;
use wharf_packet::{Checksum, Gso, Packet, Sum, Verdict, VnetError, VnetHeader};

use crate::made::{FAMILIES, Family, Kind, packet, payload};

/// A packet as a kernel hands it to a device that completes checksums: in the checksum's place is the
/// sum of the pseudo-header.
pub(crate) fn partial(family: Family, kind: Kind, payload: &[u8]) -> (VnetHeader, Vec<u8>) {
    let mut bytes = packet(family, kind, payload);
    let checksum = make_partial(&mut bytes);
    let header = VnetHeader {
        checksum,
        ..VnetHeader::default()
    };
    (header, bytes)
}

pub(crate) fn make_partial(bytes: &mut [u8]) -> Checksum {
    let read = Packet::parse(bytes).expect("a packet");
    let start = read.header_len();
    let offset = if read.protocol() == wharf_packet::Protocol::TCP {
        16
    } else {
        6
    };
    let sum = Sum::default()
        .pseudo_header(
            read.source(),
            read.destination(),
            read.protocol(),
            read.payload().len(),
        )
        .fold();
    bytes[start + offset..start + offset + 2].copy_from_slice(&sum.to_be_bytes());
    Checksum::Partial {
        start: start as u16,
        offset: offset as u16,
    }
}

#[test]
fn headers_are_read_and_written() {
    // As the kernel's `struct virtio_net_hdr` lays them out, in the machine's own order of bytes.
    let tcp = VnetHeader {
        gso: Gso::TcpV4,
        ecn: true,
        header_len: 52,
        gso_size: 1448,
        checksum: Checksum::Partial {
            start: 20,
            offset: 16,
        },
    };
    let native = |value: u16| value.to_ne_bytes();
    let words = [native(52), native(1448), native(20), native(16)].concat();
    assert_eq!(tcp.to_bytes()[..], [&[1, 0x81][..], &words].concat());
    assert_eq!(VnetHeader::parse(&tcp.to_bytes()), Ok(tcp));
    assert_eq!(VnetHeader::parse(&[0; 12]), Ok(VnetHeader::default()));
    let verified = VnetHeader::parse(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0]).expect("a header");
    assert_eq!(verified.checksum, Checksum::Verified);
    assert_eq!((VnetHeader::LEN, VnetHeader::LEN_WITH_BUFFERS), (10, 12));
}

#[test]
fn headers_that_make_no_sense_say_why() {
    let said = [
        VnetHeader::parse(&[0; 9]).expect_err("too short"),
        // UDP fragmentation offload: the kernel has not sent it since 4.14.
        VnetHeader::parse(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 0]).expect_err("unknown"),
        VnetHeader {
            checksum: Checksum::Partial {
                start: 30,
                offset: 16,
            },
            ..VnetHeader::default()
        }
        .complete_checksum(&mut [0; 47])
        .expect_err("outside"),
    ]
    .map(|error| error.to_string())
    .join("\n");
    assert_snapshot!(said, @r"
    read virtio-net header: it takes 10 bytes, and there are 9
    read virtio-net header: gso type 0x03 is not known
    complete checksum: its place 46 is not in a packet of 47 bytes
    ");
}

#[test]
fn a_partial_checksum_is_completed() {
    for family in FAMILIES {
        for kind in [Kind::Tcp, Kind::Udp] {
            for len in [0, 1, 2, 1399, 1400] {
                let (mut header, mut bytes) = partial(family, kind, &payload(len));
                assert_eq!(
                    Packet::parse(&bytes).expect("a packet").transport_checksum(),
                    Verdict::Wrong
                );
                header.complete_checksum(&mut bytes).expect("it is in the packet");
                assert_eq!(bytes, packet(family, kind, &payload(len)));
                assert_eq!(header.checksum, Checksum::Complete);
                header
                    .complete_checksum(&mut bytes)
                    .expect("nothing is left to do");
                assert_eq!(bytes, packet(family, kind, &payload(len)));
            }
        }
    }
}

#[test]
fn a_sum_of_zero_is_sent_as_ones() {
    // The last word makes the sum of everything zero.
    let data = packet(Family::V4, Kind::Udp, &[0, 0]);
    let last = [data[26], data[27]];
    let (mut header, mut bytes) = partial(Family::V4, Kind::Udp, &last);
    header.complete_checksum(&mut bytes).expect("it is in the packet");
    assert_eq!(bytes[26..28], [0xFF, 0xFF]);
    assert_eq!(
        Packet::parse(&bytes).expect("a packet").transport_checksum(),
        Verdict::Right
    );
}

#[test]
fn what_cannot_be_completed_is_left() {
    let (mut header, mut bytes) = partial(Family::V4, Kind::Udp, b"");
    header.checksum = Checksum::Partial { start: 27, offset: 0 };
    let before = bytes.clone();
    assert_eq!(
        header.complete_checksum(&mut bytes),
        Err(VnetError::Place { place: 27, len: 28 })
    );
    assert_eq!(bytes, before);
}
