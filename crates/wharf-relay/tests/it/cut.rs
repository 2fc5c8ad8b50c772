//! Cuts and healing.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use wharf_link::Conditions;
use wharf_relay::{Cut, CutDirection, Manner};

use crate::bed::{Bed, PATIENCE, is_reset, latency, passes};

fn cut(bed: &Bed, direction: CutDirection, manner: Manner) {
    let cut = Cut { direction, manner };
    bed.relay.cut(bed.link, cut).expect("the link is there");
    assert_eq!(bed.stats().cut, Some(cut));
}

fn heal(bed: &Bed) {
    bed.relay.heal(bed.link).expect("the link is there");
    assert_eq!(bed.stats().cut, None);
}

/// Sends, and sees that nothing arrives for a while.
#[track_caller]
fn nothing_passes(mut from: &TcpStream, mut to: &TcpStream, message: &str) {
    from.write_all(message.as_bytes()).expect("it can be sent");
    to.set_read_timeout(Some(Duration::from_millis(150)))
        .expect("a time-out");
    let error = to.read(&mut [0; 16]).expect_err("nothing arrives");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    to.set_read_timeout(Some(PATIENCE)).expect("a time-out");
}

#[track_caller]
fn arrives(mut at: &TcpStream, message: &str) {
    let mut buffer = vec![0; message.len()];
    at.read_exact(&mut buffer).expect("it arrives");
    assert_eq!(String::from_utf8_lossy(&buffer), message);
}

#[test]
fn a_hole_holds_both_ways_until_healed() {
    for conditions in [Conditions::CLEAR, latency(5)] {
        let bed = Bed::with(conditions.clone());
        let (client, server) = bed.pair();
        passes(&client, &server, "before");
        cut(&bed, CutDirection::Both, Manner::Hole);
        nothing_passes(&client, &server, "up");
        nothing_passes(&server, &client, "down");
        heal(&bed);
        arrives(&server, "up");
        arrives(&client, "down");
        assert_eq!(
            bed.relay.conditions(bed.link).expect("the link is there")[0],
            conditions,
            "what was there before is there again"
        );
        passes(&client, &server, "after");
    }
}

#[test]
fn a_hole_has_directions() {
    for conditions in [Conditions::CLEAR, latency(5)] {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        passes(&client, &server, "before");
        cut(&bed, CutDirection::Up, Manner::Hole);
        nothing_passes(&client, &server, "held");
        passes(&server, &client, "down passes");
        // A second cut replaces the first.
        cut(&bed, CutDirection::Down, Manner::Hole);
        arrives(&server, "held");
        nothing_passes(&server, &client, "held too");
        passes(&client, &server, "up passes");
        heal(&bed);
        arrives(&client, "held too");
    }
}

#[test]
fn ends_do_not_pass_a_hole_either() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    let (other, far) = bed.pair();
    cut(&bed, CutDirection::Both, Manner::Hole);
    drop(client);
    crate::bed::reset(other);
    nothing_passes(&server, &far, "");
    nothing_passes(&far, &server, "");
    heal(&bed);
    crate::bed::ends(&server);
    is_reset(&far);
}

#[test]
fn new_connections_hang_in_a_hole() {
    for direction in [CutDirection::Both, CutDirection::Up, CutDirection::Down] {
        let bed = Bed::new();
        cut(&bed, direction, Manner::Hole);
        let mut client = bed.connect();
        client.write_all(b"hello").expect("it can be sent");
        bed.provider.set_nonblocking(true).expect("non-blocking");
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(10));
            let error = bed.provider.accept().expect_err("nobody comes");
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
        }
        bed.provider.set_nonblocking(false).expect("blocking");
        heal(&bed);
        let server = bed.accept();
        arrives(&server, "hello");
    }
}

#[test]
fn a_reset_ends_all_connections_until_healed() {
    let bed = Bed::with(latency(1));
    let (client, server) = bed.pair();
    passes(&client, &server, "before");
    cut(&bed, CutDirection::Both, Manner::Reset);
    is_reset(&client);
    is_reset(&server);
    is_reset(&bed.connect());
    assert_eq!(bed.stats().refused, 1);
    heal(&bed);
    let (client, server) = bed.pair();
    passes(&client, &server, "after");
}

#[test]
fn a_refusing_cut_refuses_until_healed() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    passes(&client, &server, "before");
    cut(&bed, CutDirection::Both, Manner::Refuse);
    is_reset(&client);
    is_reset(&server);
    let error = TcpStream::connect(bed.address).expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    heal(&bed);
    let (client, server) = bed.pair();
    passes(&client, &server, "after");
}

#[test]
fn healing_what_is_whole_changes_nothing() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    heal(&bed);
    passes(&client, &server, "hello");
}
