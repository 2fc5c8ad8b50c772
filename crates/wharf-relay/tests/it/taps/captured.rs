//! What is captured is what the consumer saw, and nothing waits for it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use wharf_link::Conditions;
use wharf_relay::{CaptureSpec, Error, ShownPort};

use super::file::{Capture, FIN, RST, SYN, spec};
use crate::bed::{Bed, all_kinds, ends, latency, passes, reset};
use crate::datagrams::bed as datagrams;

fn wall() -> u64 {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(time.expect("after 1970").as_nanos()).expect("before 2554")
}

/// Ends both sides, and waits until the relay knows.
fn finish(bed: &Bed, client: TcpStream, server: TcpStream) {
    drop(client);
    ends(&server);
    drop(server);
    bed.await_stats(|stats| stats.connections == 0);
}

#[test]
fn a_conversation_from_its_first_to_its_last() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        let capture = Capture::begin(&bed.relay, bed.link);
        let before = wall();
        let (client, server) = bed.pair();
        let consumer = client.local_addr().expect("an address");
        passes(&client, &server, "question");
        passes(&server, &client, "answer");
        finish(&bed, client, server);
        let after = wall();
        let figures = bed
            .relay
            .stop_capture(bed.link)
            .expect("it stops")
            .expect("a capture");
        let seen = capture.read();
        assert_eq!(figures.packets, seen.packets.len() as u64);
        assert_eq!((figures.dropped, figures.beyond_limit), (0, 0));
        assert!(figures.bytes <= capture.size());
        assert_eq!(seen.stream_from(consumer), b"question");
        assert_eq!(seen.stream_from(bed.address), b"answer");
        let flags: Vec<u8> = seen
            .packets
            .iter()
            .take(3)
            .map(|packet| packet.flags & 0x12)
            .collect();
        assert_eq!(flags, [0x02, 0x12, 0x10], "SYN, SYN-ACK, ACK");
        let fins = seen
            .packets
            .iter()
            .filter(|packet| packet.flags & FIN != 0)
            .count();
        assert_eq!(fins, 2);
        assert!(
            seen.packets
                .iter()
                .all(|packet| (before..=after).contains(&packet.time))
        );
        assert!(seen.packets.is_sorted_by_key(|packet| packet.time));
        assert_eq!(seen.remarks, [""]);
    }
}

#[test]
fn times_are_those_of_the_consumer() {
    let bed = Bed::with(latency(40));
    let capture = Capture::begin(&bed.relay, bed.link);
    let (client, server) = bed.pair();
    passes(&client, &server, "question");
    passes(&server, &client, "answer");
    bed.relay.stop_capture(bed.link).expect("it stops");
    let seen = capture.read();
    let time = |text: &[u8]| {
        seen.packets
            .iter()
            .find(|packet| packet.payload == text)
            .expect("it is there")
            .time
    };
    let between = Duration::from_nanos(time(b"answer") - time(b"question"));
    assert!(
        between >= Duration::from_millis(80),
        "there and back: {between:?}"
    );
}

#[test]
fn one_that_lives_is_met_midway_and_left_again() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    let consumer = client.local_addr().expect("an address");
    passes(&client, &server, "before");
    for round in ["first", "second"] {
        let capture = Capture::begin(&bed.relay, bed.link);
        passes(&client, &server, round);
        passes(&server, &client, "answer");
        let captured = bed.relay.captured(bed.link).expect("the link is there");
        assert!(captured.expect("a capture").packets >= 2);
        bed.relay
            .stop_capture(bed.link)
            .expect("it stops")
            .expect("a capture");
        assert_eq!(bed.relay.captured(bed.link).expect("the link is there"), None);
        passes(&client, &server, "unseen");
        let seen = capture.read();
        assert!(!seen.has(SYN) && !seen.has(FIN));
        assert_eq!(seen.stream_from(consumer), round.as_bytes());
        assert_eq!(seen.stream_from(bed.address), b"answer");
    }
    assert!(
        bed.relay
            .stop_capture(bed.link)
            .expect("the link is there")
            .is_none()
    );
}

#[test]
fn one_on_which_nothing_is_said_is_there_all_the_same() {
    let bed = Bed::new();
    let capture = Capture::begin(&bed.relay, bed.link);
    let _ends = bed.pair();
    let figures = bed
        .relay
        .stop_capture(bed.link)
        .expect("it stops")
        .expect("a capture");
    assert_eq!(figures.packets, 3);
    assert!(capture.read().has(SYN));
}

#[test]
fn a_second_capture_ends_the_first() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    let consumer = client.local_addr().expect("an address");
    let first = Capture::begin(&bed.relay, bed.link);
    passes(&client, &server, "one");
    let second = Capture::begin(&bed.relay, bed.link);
    passes(&client, &server, "two");
    drop(bed.relay);
    // The relay's end makes the second whole, and has waited for both.
    assert_eq!(first.read().stream_from(consumer), b"one");
    assert_eq!(second.read().stream_from(consumer), b"two");
    assert_eq!(second.read().remarks, [""]);
}

/// Sends bulk both ways, and reads it.
fn bulk(bed: &Bed, total: usize) -> (TcpStream, TcpStream) {
    let (client, server) = bed.pair();
    std::thread::scope(|scope| {
        for (mut from, mut to) in [(&client, &server), (&server, &client)] {
            scope.spawn(move || from.write_all(&vec![7; total]).expect("it can be sent"));
            scope.spawn(move || {
                let mut buffer = vec![0; total];
                to.read_exact(&mut buffer).expect("it arrives");
            });
        }
    });
    (client, server)
}

#[test]
fn bulk_is_captured_whole() {
    for conditions in [Conditions::CLEAR, latency(2)] {
        let bed = Bed::with(conditions);
        let capture = Capture::begin(&bed.relay, bed.link);
        let total = 3_000_001;
        let (client, server) = bulk(&bed, total);
        let consumer = client.local_addr().expect("an address");
        let figures = bed
            .relay
            .stop_capture(bed.link)
            .expect("it stops")
            .expect("a capture");
        drop((client, server));
        let seen = capture.read();
        assert_eq!(figures.dropped, 0, "{figures:?}");
        assert_eq!(seen.stream_from(consumer).len(), total);
        assert_eq!(seen.stream_from(bed.address).len(), total);
    }
}

#[test]
fn bulk_that_was_spliced_is_a_gap_at_most() {
    let bed = Bed::new();
    let (client, mut server) = bed.pair();
    // The client does not read: whatever the relay holds waits, some of it in a pipe.
    std::thread::scope(|scope| {
        scope.spawn(|| server.write_all(&vec![7; 12_000_000]).expect("it can be sent"));
        bed.await_stats(|stats| stats.bytes_down > 100_000);
        let capture = Capture::begin(&bed.relay, bed.link);
        (&client)
            .read_exact(&mut vec![0; 12_000_000])
            .expect("it arrives");
        bed.relay
            .stop_capture(bed.link)
            .expect("it stops")
            .expect("a capture");
        let seen = capture.read();
        let payload: usize = seen.packets.iter().map(|packet| packet.payload.len()).sum();
        // No more than a receiver's kernel holds has gone before.
        assert!((1_000_000..12_000_000).contains(&payload), "{payload}");
    });
}

#[test]
fn datagrams() {
    let bed = datagrams::Bed::new();
    let capture = Capture::begin(&bed.relay, bed.link);
    let client = datagrams::on_v4();
    client.send_to(b"question", bed.address).expect("it can be sent");
    let mut buffer = [0; 100];
    let (count, from) = bed.provider.recv_from(&mut buffer).expect("it arrives");
    assert_eq!(&buffer[..count], b"question");
    for answer in ["one", "two"] {
        bed.provider
            .send_to(answer.as_bytes(), from)
            .expect("it can be sent");
        client.recv_from(&mut buffer).expect("it arrives");
    }
    let figures = bed
        .relay
        .stop_capture(bed.link)
        .expect("it stops")
        .expect("a capture");
    assert_eq!(figures.packets, 3);
    let client = client.local_addr().expect("an address").port();
    let link = bed.address.port();
    let seen = capture.read();
    let packets: Vec<(u16, u16, &[u8])> = seen
        .packets
        .iter()
        .map(|packet| (packet.from, packet.to, &packet.payload[..]))
        .collect();
    assert_eq!(
        packets,
        [
            (client, link, &b"question"[..]),
            (link, client, b"one"),
            (link, client, b"two")
        ]
    );
}

#[test]
fn a_file_has_a_limit() {
    let bed = Bed::new();
    let capture = Capture::limited(&bed.relay, bed.link, "100KiB");
    let (client, server) = bulk(&bed, 1_000_000);
    let figures = bed
        .relay
        .stop_capture(bed.link)
        .expect("it stops")
        .expect("a capture");
    drop((client, server));
    assert!(figures.beyond_limit > 0 && figures.dropped == 0, "{figures:?}");
    // The statistics at the end come on top.
    assert!(capture.size() < 101 * 1024, "{}", capture.size());
    let seen = capture.read();
    assert_eq!(figures.packets, seen.packets.len() as u64 + figures.beyond_limit);
    assert!(
        seen.remarks[0].contains("had reached its limit"),
        "{:?}",
        seen.remarks
    );
}

#[test]
fn the_usual_port_stands_for_the_links() {
    let ping = "*1\r\n$4\r\nPING\r\n";
    let start_up = "\0\0\0\x12\0\x03\0\0user\0ann\0\0";
    let cases = [
        (ShownPort::Usual, ping, Some(6379)),
        (ShownPort::Usual, start_up, Some(5432)),
        (ShownPort::Usual, "GET / HTTP/1.1\r\n\r\n", Some(80)),
        (ShownPort::Usual, "who knows", None),
        (ShownPort::Own, ping, None),
        (ShownPort::Is(7), "who knows", Some(7)),
    ];
    for (port, message, shown) in cases {
        let bed = Bed::new();
        let made = |file| CaptureSpec {
            port,
            ..spec(file, "1GiB")
        };
        let capture = Capture::made(&bed.relay, bed.link, made);
        // The second is not asked any more.
        for _ in 0..2 {
            let (client, server) = bed.pair();
            passes(&client, &server, message);
            finish(&bed, client, server);
        }
        bed.relay.stop_capture(bed.link).expect("it stops");
        let seen = capture.read();
        let shown = shown.unwrap_or(bed.address.port());
        assert!(
            seen.packets
                .iter()
                .all(|packet| packet.from == shown || packet.to == shown)
        );
        let first: Vec<&str> = seen
            .packets
            .iter()
            .filter(|packet| packet.flags & 0x12 == SYN)
            .map(|packet| packet.comment.as_str())
            .collect();
        let comments = [0, 1].map(|number| format!("connection {number} to {}", bed.address));
        assert_eq!(first, comments);
    }
}

/// A sender may write its first line in pieces, none of which tells the protocol by itself.
#[test]
fn a_first_line_in_pieces_tells_the_port_too() {
    let bed = Bed::new();
    let capture = Capture::made(&bed.relay, bed.link, |file| spec(file, "1GiB"));
    let (client, server) = bed.pair();
    for piece in ["GET ", "/x ", "HTTP/1.1\r\n", "Host: a\r\n\r\n"] {
        passes(&client, &server, piece);
    }
    finish(&bed, client, server);
    bed.relay.stop_capture(bed.link).expect("it stops");
    let seen = capture.read();
    assert!(seen.packets.len() >= 3 + 4);
    assert!(
        seen.packets
            .iter()
            .all(|packet| packet.from == 80 || packet.to == 80)
    );
}

#[test]
fn resets_are_seen() {
    let bed = Bed::new();
    let capture = Capture::begin(&bed.relay, bed.link);
    let (client, server) = bed.pair();
    let consumer = client.local_addr().expect("an address");
    passes(&client, &server, "question");
    reset(client);
    bed.await_stats(|stats| stats.connections == 0);
    let (client, server) = (bed.connect(), server);
    reset(server);
    let second = bed.accept();
    reset(second);
    crate::bed::is_reset(&client);
    bed.await_stats(|stats| stats.connections == 0);
    bed.relay.stop_capture(bed.link).expect("it stops");
    let resets: Vec<u16> = capture
        .read()
        .packets
        .iter()
        .filter(|packet| packet.flags & RST != 0)
        .map(|packet| packet.from)
        .collect();
    assert_eq!(resets, [consumer.port(), bed.address.port()]);
}

#[test]
fn a_file_that_is_not_written_keeps_nobody_waiting() {
    let bed = Bed::new();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let file = File::from(std::os::fd::OwnedFd::from(writer));
    bed.relay
        .capture(bed.link, spec(file, "1GiB"))
        .expect("a capture");
    // More than a pipe and all that may wait hold.
    let (client, server) = bulk(&bed, 24_000_000);
    drop((client, server));
    let captured = bed
        .relay
        .captured(bed.link)
        .expect("the link is there")
        .expect("a capture");
    assert!(captured.dropped > 0, "{captured:?}");
    std::thread::scope(|scope| {
        let drained =
            scope.spawn(move || std::io::copy(&mut reader, &mut std::io::sink()).expect("it can be read"));
        let figures = bed
            .relay
            .stop_capture(bed.link)
            .expect("it stops")
            .expect("a capture");
        assert!(figures.bytes < 24_000_000, "{figures:?}");
        assert!(drained.join().expect("it was read") >= figures.bytes);
    });
}

#[test]
fn a_relay_ends_although_nobody_reads_its_file() {
    let bed = Bed::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let file = File::from(std::os::fd::OwnedFd::from(writer));
    bed.relay
        .capture(bed.link, spec(file, "1GiB"))
        .expect("a capture");
    let ends = bulk(&bed, 1_000_000);
    drop(bed);
    drop((ends, reader));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_when_it_stops() {
    let bed = Bed::new();
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    bed.relay
        .capture(bed.link, spec(full, "1GiB"))
        .expect("a capture");
    let (client, server) = bed.pair();
    passes(&client, &server, "it goes on");
    let error = bed
        .relay
        .stop_capture(bed.link)
        .expect_err("it could not be written");
    assert!(
        matches!(&error, Error::Capture { link, .. } if link == "web -> api"),
        "{error}"
    );
    passes(&server, &client, "and on");
}
