//! Marks of congestion are carried, and made.

use std::io::IoSliceMut;
use std::net::UdpSocket;

use quinn_udp::{EcnCodepoint, RecvMeta, Transmit, UdpSocketState};

use super::bed::{Bed, on_v4, on_v6, own};
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

/// Waits for a datagram, and says how it is marked.
fn mark(socket: &UdpSocket, state: &UdpSocketState) -> Option<EcnCodepoint> {
    let mut buffer = [0; 64];
    // The state has made the socket non-blocking, which the time-out of `peek` needs undone.
    socket.set_nonblocking(false).expect("it blocks");
    socket.peek(&mut buffer).expect("a datagram arrives");
    let mut metas = [RecvMeta::default()];
    let count = state
        .recv(socket.into(), &mut [IoSliceMut::new(&mut buffer)], &mut metas)
        .expect("it is there");
    assert_eq!((count, metas[0].len), (1, 6));
    metas[0].ecn
}

#[test]
fn marks_are_carried_as_they_are() {
    let marks = [
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
            let receiver = UdpSocketState::new((&bed.provider).into()).expect("a socket");
            for ecn in marks {
                send(&client, &sender, &listening, ecn);
                assert_eq!(mark(&bed.provider, &receiver), ecn);
            }
        }
    }
}
