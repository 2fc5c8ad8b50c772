//! What is read against what etherparse reads.

use etherparse::{
    IpFragOffset, IpNumber, Ipv6Extensions, Ipv6FragmentHeader, Ipv6RawExtHeader, Ipv6RoutingExtensions,
};
use wharf_packet::{Ecn, Fragment, IcmpKind, Malformed, Packet, Protocol, TcpFlags, Transport, Version};

use crate::made::{A4, A6, B4, B6, FAMILIES, Family, Kind, packet, payload, udp4, v4_header, v6_extended};

#[test]
fn the_fields_of_tcp() {
    for family in FAMILIES {
        let header = etherparse::TcpHeader {
            source_port: 4000,
            destination_port: 53,
            sequence_number: 0xDEAD_BEEF,
            acknowledgment_number: 0x0102_0304,
            syn: true,
            ack: true,
            cwr: true,
            window_size: 777,
            ..etherparse::TcpHeader::default()
        };
        let mut header = header;
        header
            .set_options(&[etherparse::TcpOptionElement::MaximumSegmentSize(1400)])
            .expect("options");
        let bytes = crate::made::tcp(family, header, b"hello");
        let read = Packet::parse(&bytes).expect("a packet");
        let Transport::Tcp(tcp) = read.transport() else {
            panic!("{:?}", read.transport());
        };
        assert_eq!((tcp.source_port(), tcp.destination_port()), (4000, 53));
        assert_eq!(
            (tcp.seq(), tcp.ack(), tcp.window()),
            (0xDEAD_BEEF, 0x0102_0304, 777)
        );
        assert_eq!(tcp.flags().0, TcpFlags::SYN.0 | TcpFlags::ACK.0 | TcpFlags::CWR.0);
        assert!(tcp.flags().contains(TcpFlags::SYN) && !tcp.flags().contains(TcpFlags::FIN));
        assert_eq!((tcp.header_len(), tcp.options()), (24, &[2, 4, 5, 120][..]));
        assert_eq!(tcp.payload(), b"hello");
        let (version, source, destination) = match family {
            Family::V4 => (Version::V4, A4.into(), B4.into()),
            Family::V6 => (Version::V6, A6.into(), B6.into()),
        };
        assert_eq!(
            (read.version(), read.source(), read.destination()),
            (version, source, destination)
        );
        assert_eq!(
            (read.ttl(), read.protocol(), read.total_len()),
            (64, Protocol::TCP, bytes.len())
        );
    }
}

#[test]
fn the_fields_of_udp_and_of_pings() {
    for family in FAMILIES {
        let bytes = packet(family, Kind::Udp, b"hello");
        let read = Packet::parse(&bytes).expect("a packet");
        let Transport::Udp(udp) = read.transport() else {
            panic!("{:?}", read.transport());
        };
        assert_eq!(
            (udp.source_port(), udp.destination_port(), udp.len()),
            (4000, 53, 13)
        );
        assert_eq!(udp.payload(), b"hello");
        for (kind, is) in [
            (Kind::Ping, IcmpKind::EchoRequest(4000)),
            (Kind::Pong, IcmpKind::EchoReply(4000)),
        ] {
            let bytes = packet(family, kind, b"hello");
            let read = Packet::parse(&bytes).expect("a packet");
            let Transport::Icmp(icmp) = read.transport() else {
                panic!("{:?}", read.transport());
            };
            assert_eq!((icmp.kind(), icmp.code(), icmp.rest()), (is, 0, 4000 << 16 | 9));
            assert_eq!(icmp.payload(), b"hello");
        }
    }
}

#[test]
fn options_of_ipv4_and_its_bits() {
    let mut header = v4_header();
    header.options = [1, 1, 7, 4, 0, 0, 0, 0].into();
    header.dont_fragment = true;
    header.ecn = etherparse::IpEcn::TWO;
    header.dscp = etherparse::IpDscp::EF;
    let bytes = udp4(header, b"hello");
    let read = Packet::parse(&bytes).expect("a packet");
    assert_eq!((read.header_len(), read.dont_fragment()), (28, true));
    assert_eq!((read.ecn(), read.traffic_class()), (Ecn::Ect0, 46 << 2 | 2));
    assert_eq!(read.ports(), Some([4000, 53]));
    assert_eq!((read.fragment(), read.flow_label()), (None, None));
}

#[test]
fn extension_headers_of_ipv6_are_walked() {
    let raw = |len| Ipv6RawExtHeader::new_raw(IpNumber::UDP, &payload(len)).expect("a header");
    let extensions = Ipv6Extensions {
        hop_by_hop_options: Some(raw(14)),
        destination_options: Some(raw(6)),
        routing: Some(Ipv6RoutingExtensions {
            routing: raw(22),
            final_destination_options: None,
        }),
        fragment: Some(Ipv6FragmentHeader::new(
            IpNumber::UDP,
            IpFragOffset::ZERO,
            true,
            0xCAFE_BABE,
        )),
        auth: None,
    };
    let bytes = v6_extended(extensions, b"hello");
    let read = Packet::parse(&bytes).expect("a packet");
    assert_eq!(read.header_len(), 40 + 16 + 8 + 24 + 8);
    assert_eq!((read.protocol(), read.ports()), (Protocol::UDP, Some([4000, 53])));
    let fragment = Fragment {
        id: 0xCAFE_BABE,
        offset: 0,
        more: true,
    };
    assert_eq!(read.fragment(), Some(fragment));
    assert_eq!((read.traffic_class(), read.ecn()), (0b1010_1001, Ecn::Ect1));
    assert_eq!((read.flow_label(), read.ttl()), (Some(0xABCDE), 9));
    assert!(read.dont_fragment());
    // In a quote they may be cut off anywhere.
    for len in 40..bytes.len() {
        let quoted = Packet::quoted(&bytes[..len]).expect("the beginning of a packet");
        assert!(quoted.header_len() <= len && quoted.total_len() == bytes.len());
    }
}

#[test]
fn a_later_fragment_has_no_header() {
    let offset = |offset| IpFragOffset::try_new(offset).expect("13 bits");
    let mut header = v4_header();
    header.fragment_offset = offset(185);
    let bytes = udp4(header, b"hello");
    let v4 = Packet::parse(&bytes).expect("a packet");
    let extensions = Ipv6Extensions {
        fragment: Some(Ipv6FragmentHeader::new(IpNumber::UDP, offset(185), false, 0x1234)),
        ..Ipv6Extensions::default()
    };
    let bytes = v6_extended(extensions, b"hello");
    let v6 = Packet::parse(&bytes).expect("a packet");
    for read in [v4, v6] {
        assert_eq!(read.transport(), Transport::LaterFragment(Protocol::UDP));
        assert_eq!((read.ports(), read.five_tuple()), (None, None));
        let fragment = Fragment {
            id: 0x1234,
            offset: 1480,
            more: false,
        };
        assert_eq!(read.fragment(), Some(fragment));
    }
}

#[test]
fn what_is_behind_the_end_is_padding() {
    for family in FAMILIES {
        let mut bytes = packet(family, Kind::Udp, b"hello");
        let len = bytes.len();
        bytes.extend([0xFF; 9]);
        assert_eq!(Packet::parse(&bytes).expect("a packet").bytes(), &bytes[..len]);
    }
}

#[test]
fn bytes_that_are_no_packet_say_why() {
    #[track_caller]
    fn check(bytes: &[u8], said: &str) {
        let error = Packet::parse(bytes).expect_err("no packet");
        assert_eq!(error.to_string(), format!("read packet: {said}"));
    }
    let v4 = packet(Family::V4, Kind::Udp, b"hello");
    let v6 = packet(Family::V6, Kind::Udp, b"hello");
    check(&[], "there are no bytes");
    check(&[0x55; 40], "its version is 5, and only 4 and 6 are known");
    check(&v4[..19], "its headers take at least 20 bytes, and there are 19");
    check(&v4[..32], "it says that it has 33 bytes, and there are 32");
    check(&v6[..39], "its headers take at least 40 bytes, and there are 39");
    check(&v6[..52], "it says that it has 53 bytes, and there are 52");
    let mut short = v4;
    short[0] = 0x44;
    check(
        &short,
        "it says that its header has 16 bytes, and it has at least 20",
    );
    short[0] = 0x4A;
    check(&short, "its headers take at least 40 bytes, and there are 33");
    short[0] = 0x45;
    short[3] = 12;
    check(&short, "it says that it has 12 bytes, and there are 33");
    let mut endless = v6[..40].to_vec();
    endless[5] = 8 * 17;
    endless[6] = 60;
    endless.extend([60, 0, 0, 0, 0, 0, 0, 0].repeat(17));
    check(&endless, "more than 16 extension headers");
    endless[5] = 8;
    endless[41] = 9;
    assert!(matches!(
        Packet::parse(&endless),
        Err(Malformed::Truncated { .. })
    ));
}

#[test]
fn a_transport_that_makes_no_sense_is_told_and_carried() {
    let mut bytes = packet(Family::V4, Kind::Tcp, b"hello");
    bytes[32] = 0x40;
    let read = Packet::parse(&bytes).expect("a packet");
    assert_eq!(read.transport(), Transport::Truncated(Protocol::TCP));
    assert_eq!(read.ports(), Some([4000, 53]), "ports are there all the same");
    bytes[9] = 99;
    let read = Packet::parse(&bytes).expect("a packet");
    assert_eq!(read.transport(), Transport::Other(Protocol(99)));
}
