//! How connections end: half-close and reset, carried both ways.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use wharf_link::Conditions;

use crate::bed::{Bed, all_kinds, ends, is_reset, latency, passes, rate, reset};

#[test]
fn half_close_is_carried_both_ways() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        passes(&client, &server, "last words of the client");
        client.shutdown(Shutdown::Write).expect("half-close");
        ends(&server);
        passes(&server, &client, "the server has the last word");
        server.shutdown(Shutdown::Write).expect("half-close");
        ends(&client);
        bed.await_stats(|stats| stats.connections == 0);

        let (client, server) = bed.pair();
        server.shutdown(Shutdown::Write).expect("half-close");
        ends(&client);
        passes(&client, &server, "the client has the last word");
        drop(client);
        ends(&server);
        bed.await_stats(|stats| stats.connections == 0);
    }
}

#[test]
fn a_reset_is_carried_as_a_reset() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        passes(&client, &server, "hello");
        reset(client);
        is_reset(&server);

        let (client, server) = bed.pair();
        passes(&server, &client, "hello");
        reset(server);
        is_reset(&client);
        bed.await_stats(|stats| stats.connections == 0);
    }
}

#[test]
fn a_reset_after_a_half_close_is_carried() {
    for conditions in [Conditions::CLEAR, latency(2)] {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        client.shutdown(Shutdown::Write).expect("half-close");
        ends(&server);
        reset(client);
        must_fail_to_write(&server);
        bed.await_stats(|stats| stats.connections == 0);
    }
}

/// One side writes and never reads, so nothing but the socket's own error tells that its peer is gone.
#[test]
fn a_reset_is_carried_while_only_one_side_is_written() {
    for conditions in [Conditions::CLEAR, latency(2), rate("100mbit")] {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        passes(&server, &client, "the first of many");
        fill(&server);
        reset(client);
        must_fail_to_write(&server);
        bed.await_stats(|stats| stats.connections == 0);

        let (client, server) = bed.pair();
        passes(&client, &server, "the first of many");
        fill(&client);
        reset(server);
        must_fail_to_write(&client);
        bed.await_stats(|stats| stats.connections == 0);
    }
}

/// The reader stalls, everything is full, and the writer resets: no reader is waited for.
#[test]
fn a_reset_overtakes_a_stalled_reader() {
    for conditions in [Conditions::CLEAR, latency(2), rate("100mbit")] {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        passes(&client, &server, "hello");
        fill(&client);
        reset(client);
        bed.await_stats(|stats| stats.connections == 0);
        is_reset(&server);
    }
}

#[test]
fn a_client_that_closes_fully_resets_who_goes_on_writing() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    passes(&server, &client, "hello");
    drop(client);
    ends(&server);
    must_fail_to_write(&server);
    bed.await_stats(|stats| stats.connections == 0);
}

/// Writes until nothing more is taken.
fn fill(mut stream: &TcpStream) {
    let patience = stream.write_timeout().expect("a time-out");
    let brief = Some(Duration::from_millis(300));
    stream.set_write_timeout(brief).expect("a time-out");
    let block = vec![7; 1 << 20];
    for _ in 0..1_000 {
        if let Err(error) = stream.write_all(&block) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            stream.set_write_timeout(patience).expect("a time-out");
            return;
        }
    }
    panic!("a gigabyte was taken, and nobody reads");
}

/// Writing must end in an error, and not in a time-out.
#[track_caller]
fn must_fail_to_write(mut stream: &TcpStream) {
    for _ in 0..3_000 {
        match stream.write_all(b"more") {
            Ok(()) => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => {
                let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(gone.contains(&error.kind()), "{error}");
                return;
            }
        }
    }
    panic!("writing to a reset connection never fails");
}
