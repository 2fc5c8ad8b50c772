//! ICMP errors as etherparse and smoltcp read them; about what none is sent; how many are.

use std::net::IpAddr;
use std::time::Duration;

use etherparse::{SlicedPacket, TransportSlice};
use insta::assert_snapshot;
use wharf_packet::icmp::{self, Problem};
use wharf_packet::{ErrorBudget, IcmpKind, Packet, Transport, Verdict};

use crate::made::{A4, A6, FAMILIES, Family, Kind, packet, payload};

const PROBLEMS: [Problem; 6] = [
    Problem::TimeExceeded,
    Problem::TooBig { mtu: 1400 },
    Problem::NetworkUnreachable,
    Problem::HostUnreachable,
    Problem::PortUnreachable,
    Problem::Prohibited,
];

fn router(family: Family) -> IpAddr {
    match family {
        Family::V4 => [198, 51, 100, 1].into(),
        Family::V6 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(),
    }
}

fn error(bytes: &[u8], family: Family, problem: Problem) -> Vec<u8> {
    let about = Packet::parse(bytes).expect("a packet");
    let mut buffer = [0xEE; icmp::LONGEST];
    let len = icmp::error(&about, problem, router(family), &mut buffer).expect("an error");
    buffer[..len].to_vec()
}

#[test]
fn errors_as_etherparse_reads_them() {
    let mut said = String::new();
    for family in FAMILIES {
        let about = packet(family, Kind::Tcp, &payload(1400));
        for problem in PROBLEMS {
            let bytes = error(&about, family, problem);
            let read = SlicedPacket::from_ip(&bytes).expect("etherparse reads it");
            let (kind, quote) = match read.transport.expect("ICMP") {
                TransportSlice::Icmpv4(icmp) => (format!("{:?}", icmp.icmp_type()), icmp.payload().to_vec()),
                TransportSlice::Icmpv6(icmp) => {
                    let (source, destination) = match router(family) {
                        IpAddr::V6(router) => (router.octets(), A6),
                        IpAddr::V4(_) => panic!("ICMPv6 from IPv4"),
                    };
                    assert!(icmp.is_checksum_valid(source, destination));
                    (format!("{:?}", icmp.icmp_type()), icmp.payload().to_vec())
                }
                other => panic!("{other:?}"),
            };
            assert!(about.starts_with(&quote));
            said += &format!("{problem:?}: {} bytes, {kind}\n", bytes.len());
        }
    }
    assert_snapshot!(said, @r"
    TimeExceeded: 576 bytes, TimeExceeded(TtlExceededInTransit)
    TooBig { mtu: 1400 }: 576 bytes, DestinationUnreachable(FragmentationNeeded { next_hop_mtu: 1400 })
    NetworkUnreachable: 576 bytes, DestinationUnreachable(Network)
    HostUnreachable: 576 bytes, DestinationUnreachable(Host)
    PortUnreachable: 576 bytes, DestinationUnreachable(Port)
    Prohibited: 576 bytes, DestinationUnreachable(FilterProhibited)
    TimeExceeded: 1280 bytes, TimeExceeded(HopLimitExceeded)
    TooBig { mtu: 1400 }: 1280 bytes, PacketTooBig { mtu: 1400 }
    NetworkUnreachable: 1280 bytes, DestinationUnreachable(NoRoute)
    HostUnreachable: 1280 bytes, DestinationUnreachable(Address)
    PortUnreachable: 1280 bytes, DestinationUnreachable(Port)
    Prohibited: 1280 bytes, DestinationUnreachable(Prohibited)
    ");
}

#[test]
fn an_error_goes_back_and_quotes() {
    for family in FAMILIES {
        for len in [0, 5, 4000] {
            let about = packet(family, Kind::Udp, &payload(len));
            let bytes = error(&about, family, Problem::TimeExceeded);
            let read = Packet::parse(&bytes).expect("a packet");
            let to: IpAddr = match family {
                Family::V4 => A4.into(),
                Family::V6 => A6.into(),
            };
            assert_eq!((read.source(), read.destination()), (router(family), to));
            assert_eq!(read.transport_checksum(), Verdict::Right);
            assert_ne!(read.header_checksum(), Verdict::Wrong);
            let Transport::Icmp(message) = read.transport() else {
                panic!("{:?}", read.transport());
            };
            assert_eq!(message.kind(), IcmpKind::Error);
            let quoted = message.quoted().expect("it quotes").expect("a packet");
            assert_eq!(quoted.total_len(), about.len());
            let tuple = Packet::parse(&about).expect("a packet").five_tuple();
            assert_eq!(quoted.five_tuple(), tuple, "the sender finds its socket by it");
        }
    }
}

#[test]
fn smoltcp_reads_the_errors_of_ipv4() {
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr, Ipv4Packet};
    let about = packet(Family::V4, Kind::Udp, b"hello");
    for problem in [Problem::PortUnreachable, Problem::TimeExceeded] {
        let bytes = error(&about, Family::V4, problem);
        let ip = Ipv4Packet::new_checked(&bytes[..]).expect("IPv4");
        let icmp = Icmpv4Packet::new_checked(ip.payload()).expect("ICMP");
        assert!(icmp.verify_checksum());
        let header = match Icmpv4Repr::parse(&icmp, &ChecksumCapabilities::default()).expect("it reads it") {
            Icmpv4Repr::DstUnreachable { header, .. } | Icmpv4Repr::TimeExceeded { header, .. } => header,
            other => panic!("{other:?}"),
        };
        assert_eq!(header.src_addr.octets(), A4);
    }
}

#[test]
fn about_these_no_error_is_sent() {
    let mut said = String::new();
    let mut check = |what: &str, family: Family, bytes: &[u8], problem| {
        let about = Packet::parse(bytes).expect(what);
        let answer = icmp::error(&about, problem, router(family), &mut [0; icmp::LONGEST]);
        let answer = answer.map_or_else(|why| why.to_string(), |len| format!("an error of {len} bytes"));
        said += &format!("{family:?} {what}: {answer}\n");
    };
    let exceeded = Problem::TimeExceeded;
    for family in FAMILIES {
        check("a ping", family, &packet(family, Kind::Ping, b"x"), exceeded);
        let udp = packet(family, Kind::Udp, b"x");
        let about = error(&udp, family, exceeded);
        check("an error", family, &about, exceeded);
        let mut redirect = packet(family, Kind::Ping, b"x");
        redirect[if family == Family::V4 { 20 } else { 40 }] = if family == Family::V4 { 5 } else { 137 };
        check("a redirect", family, &redirect, exceeded);
        let (source, destination) = if family == Family::V4 { (12, 16) } else { (8, 24) };
        let len = destination - source;
        let with = |at: usize, address: &[u8]| {
            let mut changed = udp.clone();
            changed[at..at + len].copy_from_slice(&address[..len]);
            changed
        };
        let many = if family == Family::V4 {
            [224; 16]
        } else {
            [0xFF; 16]
        };
        check("from nobody", family, &with(source, &[0; 16]), exceeded);
        check("from many", family, &with(source, &many), exceeded);
        check("to many", family, &with(destination, &many), exceeded);
        check(
            "to many, too big",
            family,
            &with(destination, &many),
            Problem::TooBig { mtu: 1280 },
        );
        if family == Family::V4 {
            check("from loopback", family, &with(source, &[127, 0, 0, 1]), exceeded);
            check("to all", family, &with(destination, &[255; 4]), exceeded);
            let mut later = udp.clone();
            later[7] = 9;
            check("a later fragment", family, &later, exceeded);
            let mut first = udp.clone();
            first[6] = 0x20;
            check("a first fragment", family, &first, exceeded);
            check("the other family", Family::V6, &udp, exceeded);
        }
    }
    assert_snapshot!(said, @r"
    V4 a ping: an error of 57 bytes
    V4 an error: make ICMP error: the packet is an ICMP error itself
    V4 a redirect: make ICMP error: the packet is an ICMP error itself
    V4 from nobody: make ICMP error: the packet comes from 0.0.0.0, which is not a single host
    V4 from many: make ICMP error: the packet comes from 224.224.224.224, which is not a single host
    V4 to many: make ICMP error: the packet goes to 224.224.224.224, which is not a single host
    V4 to many, too big: make ICMP error: the packet goes to 224.224.224.224, which is not a single host
    V4 from loopback: make ICMP error: the packet comes from 127.0.0.1, which is not a single host
    V4 to all: make ICMP error: the packet goes to 255.255.255.255, which is not a single host
    V4 a later fragment: make ICMP error: the packet is a fragment that is not the first
    V4 a first fragment: an error of 57 bytes
    V6 the other family: make ICMP error: 2001:db8::1 is not of the packet's family
    V6 a ping: an error of 97 bytes
    V6 an error: make ICMP error: the packet is an ICMP error itself
    V6 a redirect: make ICMP error: the packet is an ICMP error itself
    V6 from nobody: make ICMP error: the packet comes from ::, which is not a single host
    V6 from many: make ICMP error: the packet comes from ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, which is not a single host
    V6 to many: make ICMP error: the packet goes to ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, which is not a single host
    V6 to many, too big: an error of 97 bytes
    ");
    let udp = packet(Family::V4, Kind::Udp, b"x");
    let about = Packet::parse(&udp).expect("a packet");
    let small = icmp::error(&about, exceeded, router(Family::V4), &mut [0; 56]).expect_err("too small");
    assert_snapshot!(small, @"make ICMP error: write packet: it has 57 bytes, and the buffer takes 56");
}

#[test]
fn a_budget_lets_a_burst_pass_and_then_its_rate() {
    let mut budget = ErrorBudget::new(Duration::from_millis(10), 5);
    let mut sent = |from: u64, until: u64| {
        (from..until)
            .filter(|ms| budget.take(Duration::from_millis(*ms)))
            .count()
    };
    assert_eq!(sent(0, 1), 1);
    // Four more of the burst, and one each ten milliseconds since the beginning.
    assert_eq!(sent(1, 1_000), 4 + 99);
    assert_eq!(sent(1_000, 1_001), 1, "the hundredth");
    // After a pause there is a whole burst again, and no more.
    assert_eq!(sent(9_000, 9_008), 5);
    assert_eq!(sent(9_008, 9_009), 0);
    assert_eq!(sent(0, 1), 0, "a clock that goes back earns nothing");
}
