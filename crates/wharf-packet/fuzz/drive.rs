// Bytes as a virtio-net header and a packet, to which everything is done that can be done; and what must
// hold of any bytes is asserted. Shared by the fuzz target, which looks for bytes that break it, and by
// the tests, which try random ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_packet::{
    Checksum, End, Fragments, Packet, PacketMut, Segments, Transport, Ttl, Verdict, Version, VnetHeader,
    flip_bit, icmp,
};

const PROBLEMS: [icmp::Problem; 6] = [
    icmp::Problem::TimeExceeded,
    icmp::Problem::TooBig { mtu: 1400 },
    icmp::Problem::NetworkUnreachable,
    icmp::Problem::HostUnreachable,
    icmp::Problem::PortUnreachable,
    icmp::Problem::Prohibited,
];

fn addresses(version: Version) -> [IpAddr; 2] {
    match version {
        Version::V4 => [Ipv4Addr::new(192, 0, 2, 1).into(), Ipv6Addr::LOCALHOST.into()],
        Version::V6 => [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::new(192, 0, 2, 1).into()],
    }
}

/// Does everything to a packet.
///
/// # Panics
/// If something does what none may.
pub(crate) fn drive(input: &[u8]) {
    let header = VnetHeader::parse(input);
    let (header, bytes) = match header {
        Ok(header) => (header, &input[VnetHeader::LEN..]),
        Err(_) => (VnetHeader::default(), input),
    };
    let mut again = header;
    assert_eq!(VnetHeader::parse(&header.to_bytes()), Ok(header));
    let mut completed = bytes.to_vec();
    match again.complete_checksum(&mut completed) {
        Ok(()) => assert!(!matches!(again.checksum, Checksum::Partial { .. })),
        Err(_) => assert_eq!(completed, bytes, "what cannot be completed is left"),
    }
    let _ = Packet::quoted(bytes).map(|packet| read(&packet));
    let Ok(packet) = Packet::parse(bytes) else {
        assert!(Segments::new(bytes, &header).is_err() && Fragments::new(bytes, 1500).is_err());
        return;
    };
    assert_eq!(packet.bytes().len(), packet.total_len());
    read(&packet);
    segment(&packet, &header);
    fragment(&packet, usize::from(header.gso_size));
    change(&packet, header.checksum);
    answer(&packet);
}

fn read(packet: &Packet<'_>) {
    assert!(packet.header_len() <= packet.bytes().len());
    let _ = (
        packet.flow(),
        packet.ecn(),
        packet.dont_fragment(),
        packet.flow_label(),
    );
    let _ = (
        packet.header_checksum(),
        packet.transport_checksum(),
        packet.ttl(),
    );
    if let Some(tuple) = packet.five_tuple() {
        assert_eq!(tuple.reversed().reversed(), tuple);
        assert_eq!(tuple.source.ip(), packet.source());
    }
    match packet.transport() {
        Transport::Tcp(tcp) => {
            let _ = (
                tcp.seq(),
                tcp.ack(),
                tcp.flags(),
                tcp.window(),
                tcp.checksum(),
                tcp.options(),
            );
            assert_eq!(packet.ports(), Some([tcp.source_port(), tcp.destination_port()]));
            assert_eq!(tcp.header_len() + tcp.payload().len(), packet.payload().len());
        }
        Transport::Udp(udp) => {
            let _ = (udp.len(), udp.checksum(), udp.payload());
            assert_eq!(packet.ports(), Some([udp.source_port(), udp.destination_port()]));
        }
        Transport::Icmp(icmp) => {
            let _ = (icmp.kind(), icmp.code(), icmp.rest());
            // What is quoted is shorter, so this ends.
            if let Some(Ok(quoted)) = icmp.quoted() {
                assert!(quoted.bytes().len() < packet.bytes().len());
                read(&quoted);
            }
        }
        _ => {}
    }
}

fn segment(packet: &Packet<'_>, header: &VnetHeader) {
    let Ok(mut segments) = Segments::new(packet.bytes(), header) else {
        return;
    };
    let (count, mut seen, mut data) = (segments.count(), 0, 0);
    let mut buffer = vec![0; packet.total_len()];
    while let Some(need) = segments.next_len() {
        assert!(segments.write_next(&mut buffer[..need - 1]).is_err(), "too small");
        assert_eq!(segments.write_next(&mut buffer), Ok(Some(need)));
        let piece = Packet::parse(&buffer[..need]).expect("a piece is a packet");
        assert_eq!(piece.total_len(), need);
        assert_eq!(piece.five_tuple(), packet.five_tuple());
        assert_ne!(piece.header_checksum(), Verdict::Wrong);
        assert_ne!(piece.transport_checksum(), Verdict::Wrong);
        data += match piece.transport() {
            Transport::Tcp(tcp) => tcp.payload().len(),
            Transport::Udp(udp) => udp.payload().len(),
            other => panic!("a piece carries {other:?}"),
        };
        seen += 1;
    }
    assert_eq!((seen, segments.write_next(&mut buffer)), (count, Ok(None)));
    let whole = match packet.transport() {
        Transport::Tcp(tcp) => tcp.payload().len(),
        _ => packet.payload().len() - 8,
    };
    assert_eq!(data, whole, "nothing is lost or added");
}

fn fragment(packet: &Packet<'_>, mtu: usize) {
    let Ok(mut fragments) = Fragments::new(packet.bytes(), mtu) else {
        return;
    };
    let mut buffer = vec![0; packet.total_len()];
    let mut payload = Vec::new();
    let mut seen = 0;
    while let Some(len) = fragments
        .write_next(&mut buffer)
        .expect("no fragment is longer than the whole")
    {
        assert!(len <= mtu);
        let piece = Packet::parse(&buffer[..len]).expect("a fragment is a packet");
        payload.extend_from_slice(piece.payload());
        seen += 1;
        assert!(seen <= packet.total_len(), "it comes to an end");
    }
    assert_eq!(payload, packet.payload(), "the payload is all there, in order");
}

fn change(packet: &Packet<'_>, checksum: Checksum) {
    let before = [packet.header_checksum(), packet.transport_checksum()];
    let check = |changed: &PacketMut<'_>, was: [Verdict; 2]| {
        let packet = changed.as_packet();
        assert_eq!(Packet::parse(changed.bytes()), Ok(packet), "it is where it was");
        assert_eq!([packet.header_checksum(), packet.transport_checksum()], was);
    };
    let mut bytes = packet.bytes().to_vec();
    let mut changed = PacketMut::parse(&mut bytes).expect("it was one");
    let ttl = packet.ttl();
    match changed.decrement_ttl() {
        Ttl::Left(left) => assert_eq!((left, changed.as_packet().ttl()), (ttl - 1, ttl - 1)),
        Ttl::Expired => assert!(ttl <= 1),
    }
    check(&changed, before);
    assert_eq!(changed.mark_ce(), packet.ecn().is_capable());
    check(&changed, before);
    let [own, other] = addresses(packet.version());
    for end in [End::Source, End::Destination] {
        assert!(changed.rewrite(end, SocketAddr::new(other, 1), checksum).is_err());
        changed
            .rewrite(end, SocketAddr::new(own, 4321), Checksum::Complete)
            .expect("an address of the same family");
        check(&changed, before);
        // A sum may be right before and after, whatever is quoted.
        let _ = changed.rewrite_quoted(end, SocketAddr::new(own, 4321));
        check(&changed, before);
    }
    if changed.make_echo_reply() {
        check(&changed, before);
        assert!(!changed.make_echo_reply(), "a reply is no ping");
    }
    let _ = changed.rewrite(End::Source, SocketAddr::new(own, 99), checksum);
    let len = bytes.len() as u64;
    assert!(flip_bit(&mut bytes, len * 8 - 1) && !flip_bit(&mut bytes, len * 8));
}

fn answer(packet: &Packet<'_>) {
    let mut buffer = [0; icmp::LONGEST];
    let [own, other] = addresses(packet.version());
    for problem in PROBLEMS {
        assert!(icmp::error(packet, problem, other, &mut buffer).is_err());
        let Ok(len) = icmp::error(packet, problem, own, &mut buffer) else {
            continue;
        };
        let error = Packet::parse(&buffer[..len]).expect("an error is a packet");
        assert_eq!(error.transport_checksum(), Verdict::Right);
        assert_eq!(error.destination(), packet.source());
        let mut second = [0; icmp::LONGEST];
        assert!(
            icmp::error(&error, problem, own, &mut second).is_err(),
            "no error is about an error"
        );
        let Transport::Icmp(message) = error.transport() else {
            panic!("an error is ICMP");
        };
        assert!(packet.bytes().starts_with(message.payload()), "it quotes");
    }
}
