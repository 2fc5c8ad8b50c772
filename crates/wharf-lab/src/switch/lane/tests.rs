//! A lane between two sockets, round by round.

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use wharf_link::Settings;

use wharf_packet::Gso;

use super::*;
use crate::message::Carrier;

/// A lane with these conditions, and what stands for the kernel at its ends.
fn lane(conditions: &str) -> (Lane, Port, Port) {
    let mut settings = Settings::default();
    for word in conditions.split_whitespace() {
        let (key, value) = word.split_once('=').expect("key=value");
        settings.set(key, value).expect("a setting");
    }
    let conditions = settings.resolve(&Conditions::CLEAR, &mut |_| Err("no files here".to_owned()));
    let pair = || {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (one, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).expect("a pair");
        for end in [&one, &other] {
            rustix::net::sockopt::set_socket_send_buffer_size(end, 8 << 20).expect("a larger buffer");
        }
        (Port::new(one, Carrier::Tun), Port::new(other, Carrier::Tun))
    };
    let ((before, source), (sink, after)) = (pair(), pair());
    let (_, orders) = Inbox::open().expect("an inbox");
    let (back, _) = Inbox::open().expect("an inbox");
    let plan = Plan {
        way: Way::Up,
        source,
        sink,
        path: vec![("link".to_owned(), conditions.expect("conditions"), Seed(1))],
        orders,
        back,
        gate: None,
        watch: None,
        waiting: Waiting::Asleep,
    };
    (Lane::new(plan), before, after)
}

/// A train of so many datagrams of one byte each (UDP over IPv4, USO), as a kernel leaves it.
fn train(datagrams: u16) -> (VnetHeader, Vec<u8>) {
    let udp_len = 8 + datagrams;
    let mut packet = vec![0x45, 0];
    packet.extend((20 + udp_len).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 198, 18, 0, 2, 198, 18, 0, 1]);
    packet.extend([0x80, 0, 0, 53]);
    packet.extend(udp_len.to_be_bytes());
    packet.extend([0, 0]);
    packet.resize(packet.len() + usize::from(datagrams), 7);
    let header = VnetHeader {
        gso: Gso::UdpL4,
        gso_size: 1,
        header_len: 28,
        checksum: wharf_packet::Checksum::Partial { start: 20, offset: 6 },
        ..VnetHeader::default()
    };
    (header, packet)
}

#[test]
fn what_is_due_does_not_pile_up_behind_a_sender_that_never_rests() {
    let (mut lane, before, _after) = lane("loss=0.000001%");
    let (header, packet) = train(40);
    for _ in 0..3 {
        for _ in 0..20 {
            before.write(&header, &packet).expect("there is room");
        }
        lane.round(true);
        assert_eq!(lane.figures.malformed, 0);
        assert!(lane.stages.is_empty(), "{:?}", lane.count());
    }
    assert_eq!(lane.figures.written, lane.figures.pieces);
    assert!(lane.figures.pieces >= 3 * 64, "{:?}", lane.figures);
}

#[test]
fn a_source_that_is_gone_is_noticed_also_without_memory() {
    let (mut lane, ..) = lane("");
    // What can only be written, as a device whose namespace is gone can't be read.
    let (_reader, writer) = rustix::pipe::pipe().expect("a pipe");
    lane.source = Port::new(writer, Carrier::Tun);
    lane.reader = Reader::new(Pool::new(0));
    assert!(!lane.round(true));
    assert!(!lane.has_source);
}

#[test]
fn what_has_no_memory_is_counted() {
    let (mut lane, before, _after) = lane("latency=1ms");
    lane.reader = Reader::new(Pool::new(0));
    let (header, packet) = train(1);
    before.write(&header, &packet).expect("there is room");
    assert!(!lane.round(true));
    assert_eq!((lane.figures.out_of_memory, lane.has_source), (1, true));
}
