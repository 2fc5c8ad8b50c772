//! Marks of congestion are carried, and made.

use std::io::IoSliceMut;
use std::net::UdpSocket;

use nix::sys::socket::{setsockopt, sockopt};
use quinn_udp::{EcnCodepoint, RecvMeta, Transmit, UdpSocketState};

use super::bed::{Bed, conditions, on_v4, on_v6, own};
use crate::bed::latency;
use wharf_link::Conditions;

fn send(socket: &UdpSocket, state: &UdpSocketState, to: &UdpSocket, ecn: Option<EcnCodepoint>) {
    let transmit = Transmit {
        destination: own(to),
        ecn,
        contents: b"marked",
        segment_size: None,
        src_ip: None,
    };
    state.try_send(socket.into(), &transmit).expect("it can be sent");
}

fn receiver(socket: &UdpSocket) -> UdpSocketState {
    let state = UdpSocketState::new(socket.into()).expect("a socket");
    // With it, the mark of datagrams that come together finds no room (cmsg::LEN of quinn-udp 0.6.3).
    setsockopt(socket, sockopt::Ipv4PacketInfo, &false).expect("an option");
    state
}

/// Waits for so many datagrams, and says how each is marked.
fn marks(socket: &UdpSocket, state: &UdpSocketState, count: usize) -> Vec<Option<EcnCodepoint>> {
    let mut marks = Vec::new();
    let mut buffer = [0; 1 << 16];
    // The state has made the socket non-blocking, and `peek` should wait.
    socket.set_nonblocking(false).expect("it blocks");
    while marks.len() < count {
        socket.peek(&mut buffer).expect("a datagram arrives");
        let mut metas = [RecvMeta::default()];
        state
            .recv(socket.into(), &mut [IoSliceMut::new(&mut buffer)], &mut metas)
            .expect("it is there");
        // Those that have left together come together (GRO).
        assert_eq!((metas[0].stride, metas[0].len % 6), (6, 0));
        marks.extend(std::iter::repeat_n(metas[0].ecn, metas[0].len / 6));
    }
    marks
}

#[test]
fn marks_are_carried_as_they_are() {
    let codepoints = [
        None,
        Some(EcnCodepoint::Ect0),
        Some(EcnCodepoint::Ect1),
        Some(EcnCodepoint::Ce),
    ];
    for front in [on_v4, on_v6] {
        for conditions in [Conditions::CLEAR, latency(1)] {
            let front = front();
            let listening = front.try_clone().expect("a second handle");
            let bed = Bed::between(front, on_v4(), |spec| spec.up = conditions);
            let client = bed.client();
            let sender = UdpSocketState::new((&client).into()).expect("a socket");
            let receiver = receiver(&bed.provider);
            for ecn in codepoints {
                send(&client, &sender, &listening, ecn);
                assert_eq!(marks(&bed.provider, &receiver, 1), [ecn]);
            }
        }
    }
}

#[test]
fn a_queue_that_is_managed_marks_what_may_be_marked() {
    let codel = [
        ("rate", "2mbit"),
        ("queue", "1MiB"),
        ("discipline", "codel target 1ms interval 5ms ecn"),
    ];
    let front = on_v4();
    let listening = front.try_clone().expect("a second handle");
    let bed = Bed::between(front, on_v4(), |spec| spec.up = conditions(&codel));
    let client = bed.client();
    let sender = UdpSocketState::new((&client).into()).expect("a socket");
    let receiver = receiver(&bed.provider);
    // A standing queue: 34 bytes take 136 µs, so the last waits for over 100 ms.
    for _ in 0..800 {
        send(&client, &sender, &listening, Some(EcnCodepoint::Ect0));
    }
    let marks = marks(&bed.provider, &receiver, 800);
    let marked = marks
        .iter()
        .filter(|&&mark| mark == Some(EcnCodepoint::Ce))
        .count() as u64;
    assert!(marks.iter().all(Option::is_some));
    let counts = bed.datagrams().up;
    assert_eq!((counts.marked, counts.queue_dropped), (marked, 0));
    assert!(marked > 0);
}

#[test]
fn the_marks_of_a_train_are_carried() {
    for front in [on_v4, on_v6] {
        let front = front();
        let listening = front.try_clone().expect("a second handle");
        let bed = Bed::between(front, on_v4(), |_| {});
        let client = bed.client();
        let sender = UdpSocketState::new((&client).into()).expect("a socket");
        let receiver = receiver(&bed.provider);
        let transmit = Transmit {
            destination: own(&listening),
            ecn: Some(EcnCodepoint::Ect0),
            contents: &[7; 6 * 40],
            segment_size: Some(6),
            src_ip: None,
        };
        sender
            .try_send((&client).into(), &transmit)
            .expect("it can be sent");
        let marks = marks(&bed.provider, &receiver, 40);
        assert_eq!(marks, [Some(EcnCodepoint::Ect0); 40]);
    }
}
