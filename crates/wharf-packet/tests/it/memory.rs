//! Nothing allocates.

use wharf_packet::{Checksum, End, Fragments, Gso, Packet, PacketMut, Segments, VnetHeader, icmp};

use crate::made::{FAMILIES, Family, Kind, packet, payload};

#[test]
fn no_packet_costs_an_allocation() {
    let mut buffer = vec![0; 65_536];
    for family in FAMILIES {
        let mut whole = packet(family, Kind::Tcp, &payload(60_000));
        let mut error = [0; icmp::LONGEST];
        let counted = allocation_counter::measure(|| {
            let read = Packet::parse(&whole).expect("a packet");
            std::hint::black_box((read.flow(), read.five_tuple(), read.transport_checksum()));
            icmp::error(&read, icmp::Problem::TimeExceeded, read.destination(), &mut error)
                .expect("an error");
            let header = VnetHeader {
                gso: if family == Family::V4 {
                    Gso::TcpV4
                } else {
                    Gso::TcpV6
                },
                gso_size: 1448,
                ..VnetHeader::default()
            };
            let mut segments = Segments::new(&whole, &header).expect("it can be cut");
            while segments.write_next(&mut buffer).expect("it fits").is_some() {}
            if let Ok(mut fragments) = Fragments::new(&whole, 1500) {
                while fragments.write_next(&mut buffer).expect("it fits").is_some() {}
            }
            let mut changed = PacketMut::parse(&mut whole).expect("a packet");
            let to = changed.as_packet().five_tuple().expect("it has one").source;
            changed
                .rewrite(End::Source, to, Checksum::Complete)
                .expect("the same family");
            std::hint::black_box((changed.mark_ce(), changed.decrement_ttl()));
        });
        assert_eq!(counted.count_total, 0);
    }
}
